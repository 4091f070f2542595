//! The project's accounts: what a web page asks of Supabase Auth (GoTrue) to sign somebody in, with
//! GoTrue's paths, bodies and error codes.
//!
//! Consent at an OAuth provider and the click on a link in a mail are given at once, or refused when
//! a test says so: what is under test is what comes before and after them. Refresh tokens are for
//! one use, as with a reuse interval of zero, which forgives a page nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::Request;
use crate::tokens::{HS256_HEADER, TokenMint};

/// Supabase's default of an access token's life, in seconds.
const LIFETIME: i64 = 3_600;

/// Shortest password that GoTrue takes by default.
const PASSWORD_MIN: usize = 6;

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Null` stands for no body.
    pub(super) body: Value,
    pub(super) location: Option<String>,
}

/// People of the project, and how they sign in.
#[derive(Debug)]
pub(super) struct Accounts {
    publishable_key: String,
    mint: TokenMint,
    lifetime: i64,
    providers: Vec<String>,
    confirms_mail: bool,
    people: BTreeMap<String, Person>,
    /// Refresh tokens that were not used yet, and whose they are.
    refresh_tokens: BTreeMap<String, String>,
    used_refresh_tokens: BTreeSet<String>,
    /// Codes that a page was sent back with: whose, and the challenge that goes with it.
    codes: BTreeMap<String, (String, Challenge)>,
    /// Links that were mailed: where each leads back to.
    mails: Vec<Mail>,
    refuses_consent: bool,
}

#[derive(Clone, Debug)]
struct Person {
    id: Uuid,
    password: Option<String>,
    provider: String,
}

/// A mail with a link, as a person would find it.
#[derive(Clone, Debug)]
struct Mail {
    email: String,
    token: String,
    challenge: Challenge,
}

/// RFC 7636: what the one who has the code must know.
#[derive(Clone, Debug)]
struct Challenge {
    text: String,
    method: String,
}

impl Challenge {
    fn of(given: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let text = given("code_challenge")?;
        Some(Self { text, method: given("code_challenge_method")?.to_ascii_lowercase() })
    }

    fn is_met_by(&self, verifier: &str) -> bool {
        match self.method.as_str() {
            "s256" => {
                URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref()) == self.text
            }
            "plain" => verifier == self.text,
            _ => false,
        }
    }
}

impl Answer {
    fn json(status: u16, body: Value) -> Self {
        Self { status, body, location: None }
    }

    fn error(status: u16, error_code: &str, message: &str) -> Self {
        let body = json!({"code": status, "error_code": error_code, "msg": message});
        Self::json(status, body)
    }

    fn redirect(location: String) -> Self {
        Self { status: 302, body: Value::Null, location: Some(location) }
    }
}

impl Accounts {
    pub(super) fn new(publishable_key: &str, mint: TokenMint) -> Self {
        Self {
            publishable_key: publishable_key.to_owned(),
            mint,
            lifetime: LIFETIME,
            providers: vec!["github".to_owned(), "google".to_owned()],
            confirms_mail: false,
            people: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            used_refresh_tokens: BTreeSet::new(),
            codes: BTreeMap::new(),
            mails: Vec::new(),
            refuses_consent: false,
        }
    }

    pub(super) fn add(&mut self, email: &str, password: &str, id: Uuid) {
        let person =
            Person { id, password: Some(password.to_owned()), provider: "email".to_owned() };
        self.people.insert(email.to_owned(), person);
    }

    pub(super) fn id_of(&self, email: &str) -> Option<Uuid> {
        self.people.get(email).map(|person| person.id)
    }

    pub(super) fn set_mint(&mut self, mint: TokenMint) {
        self.mint = mint;
    }

    pub(super) fn set_lifetime(&mut self, seconds: i64) {
        self.lifetime = seconds;
    }

    pub(super) fn require_confirmation(&mut self) {
        self.confirms_mail = true;
    }

    pub(super) fn refuse_consent(&mut self) {
        self.refuses_consent = true;
    }

    pub(super) fn end_sessions(&mut self) {
        self.refresh_tokens.clear();
    }

    /// The path and query of the link in the last mail to somebody.
    pub(super) fn mailed_link(&self, email: &str, redirect_to: &str) -> Option<String> {
        let mail = self.mails.iter().rfind(|mail| mail.email == email)?;
        let token = &mail.token;
        Some(format!("/auth/v1/verify?token={token}&type=magiclink&redirect_to={redirect_to}"))
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let path = request.path().strip_prefix("/auth/v1").unwrap_or_default();
        // Where a person's browser goes itself, it brings no key.
        let for_people = matches!(path, "/authorize" | "/verify");
        if !for_people && request.header("apikey") != Some(&self.publishable_key) {
            return Answer::json(401, json!({"message": "Invalid API key"}));
        }
        match (request.method.as_str(), path) {
            ("GET", "/settings") => self.settings(),
            ("GET", "/authorize") => self.authorize(request),
            ("GET", "/verify") => self.verify(request),
            ("POST", "/token") => self.token(request),
            ("POST", "/signup") => self.sign_up(request),
            ("POST", "/otp") => self.mail(request),
            ("GET", "/user") => match self.bearer(request) {
                Some(email) => Answer::json(200, self.user(&email)),
                None => bad_jwt(),
            },
            ("POST", "/logout") => self.sign_out(request),
            _ => Answer::json(404, json!({"code": 404, "msg": "404 page not found"})),
        }
    }

    fn settings(&self) -> Answer {
        let mut external = json!({
            "anonymous_users": false, "apple": false, "azure": false, "bitbucket": false,
            "discord": false, "email": true, "facebook": false, "figma": false, "github": false,
            "gitlab": false, "google": false, "kakao": false, "keycloak": false, "linkedin": false,
            "linkedin_oidc": false, "notion": false, "phone": false, "slack": false,
            "slack_oidc": false, "spotify": false, "twitch": false, "twitter": false,
            "workos": false, "zoom": false,
        });
        for provider in &self.providers {
            external[provider] = json!(true);
        }
        let body = json!({
            "external": external,
            "disable_signup": false,
            "mailer_autoconfirm": !self.confirms_mail,
            "phone_autoconfirm": false,
            "sms_provider": "twilio",
            "saml_enabled": false,
        });
        Answer::json(200, body)
    }

    fn authorize(&mut self, request: &Request) -> Answer {
        let provider = request.query("provider").unwrap_or_default();
        if !self.providers.contains(&provider) {
            let message = "Unsupported provider: provider is not enabled";
            return Answer::error(400, "validation_failed", message);
        }
        let Some(redirect_to) = request.query("redirect_to") else {
            return Answer::error(400, "validation_failed", "no redirect_to, and no site URL");
        };
        let Some(challenge) = Challenge::of(|name| request.query(name)) else {
            // The implicit flow would put the tokens into the address: no page should want it.
            return Answer::error(400, "validation_failed", "this project asks for PKCE");
        };
        if std::mem::take(&mut self.refuses_consent) {
            let words = "error=access_denied&error_code=access_denied\
                         &error_description=The+user+denied+the+request";
            return Answer::redirect(with_query(&redirect_to, words));
        }
        let email = format!("{provider}@example.com");
        self.people.entry(email.clone()).or_insert_with(|| Person {
            id: Uuid::new_v4(),
            password: None,
            provider,
        });
        self.send_back(email, challenge, &redirect_to)
    }

    /// Sends the browser back with a code.
    fn send_back(&mut self, email: String, challenge: Challenge, redirect_to: &str) -> Answer {
        let code = Uuid::new_v4().to_string();
        let location = with_query(redirect_to, &format!("code={code}"));
        self.codes.insert(code, (email, challenge));
        Answer::redirect(location)
    }

    fn verify(&mut self, request: &Request) -> Answer {
        let redirect_to = request.query("redirect_to").unwrap_or_default();
        let token = request.query("token").unwrap_or_default();
        let Some(position) = self.mails.iter().position(|mail| mail.token == token) else {
            let words = "error=access_denied&error_code=otp_expired\
                         &error_description=Email+link+is+invalid+or+has+expired";
            return Answer::redirect(with_query(&redirect_to, words));
        };
        let Mail { email, challenge, .. } = self.mails.remove(position);
        self.send_back(email, challenge, &redirect_to)
    }

    fn token(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match request.query("grant_type").as_deref() {
            Some("password") => {
                let email = text("email");
                let known = self.people.get(&email).and_then(|person| person.password.as_ref());
                if known.is_none_or(|password| *password != text("password")) {
                    let message = "Invalid login credentials";
                    return Answer::error(400, "invalid_credentials", message);
                }
                self.session(&email)
            }
            Some("pkce") => {
                let Some((email, challenge)) = self.codes.remove(&text("auth_code")) else {
                    let message = "invalid flow state, no valid flow state found";
                    return Answer::error(404, "flow_state_not_found", message);
                };
                if !challenge.is_met_by(&text("code_verifier")) {
                    let message = "code challenge does not match previously saved code verifier";
                    return Answer::error(400, "bad_code_verifier", message);
                }
                self.session(&email)
            }
            Some("refresh_token") => {
                let token = text("refresh_token");
                let Some(email) = self.refresh_tokens.remove(&token) else {
                    let (code, message) = if self.used_refresh_tokens.contains(&token) {
                        ("refresh_token_already_used", "Invalid Refresh Token: Already Used")
                    } else {
                        let message = "Invalid Refresh Token: Refresh Token Not Found";
                        ("refresh_token_not_found", message)
                    };
                    return Answer::error(400, code, message);
                };
                self.used_refresh_tokens.insert(token);
                self.session(&email)
            }
            _ => Answer::error(400, "validation_failed", "unsupported_grant_type"),
        }
    }

    fn sign_up(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (email, password) = (text("email"), text("password"));
        if !email.contains('@') {
            let message = "Unable to validate email address: invalid format";
            return Answer::error(400, "validation_failed", message);
        }
        if password.len() < PASSWORD_MIN {
            let message = "Password should be at least 6 characters.";
            let mut answer = Answer::error(422, "weak_password", message);
            answer.body["weak_password"] = json!({"reasons": ["length"]});
            return answer;
        }
        if self.people.contains_key(&email) {
            return Answer::error(422, "user_already_exists", "User already registered");
        }
        self.add(&email, &password, Uuid::new_v4());
        if !self.confirms_mail {
            return self.session(&email);
        }
        if let Some(challenge) = Challenge::of(|name| body[name].as_str().map(str::to_owned)) {
            self.mails.push(Mail { email: email.clone(), token: Uuid::new_v4().into(), challenge });
        }
        // A person who has not confirmed yet has no session: the body is the user alone.
        Answer::json(200, self.user(&email))
    }

    fn mail(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let email = body["email"].as_str().unwrap_or_default().to_owned();
        if !email.contains('@') {
            let message = "Unable to validate email address: invalid format";
            return Answer::error(400, "validation_failed", message);
        }
        let Some(challenge) = Challenge::of(|name| body[name].as_str().map(str::to_owned)) else {
            return Answer::error(400, "validation_failed", "this project asks for PKCE");
        };
        self.people.entry(email.clone()).or_insert_with(|| Person {
            id: Uuid::new_v4(),
            password: None,
            provider: "email".to_owned(),
        });
        self.mails.push(Mail { email, token: format!("pkce_{}", Uuid::new_v4()), challenge });
        Answer::json(200, json!({}))
    }

    fn sign_out(&mut self, request: &Request) -> Answer {
        let Some(email) = self.bearer(request) else { return bad_jwt() };
        self.refresh_tokens.retain(|_, owner| *owner != email);
        Answer { status: 204, body: Value::Null, location: None }
    }

    /// Whose access token came along. Signatures are the program's to check.
    fn bearer(&self, request: &Request) -> Option<String> {
        let token = request.header("authorization")?.strip_prefix("Bearer ")?;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let id = claims["sub"].as_str()?.parse::<Uuid>().ok()?;
        let (email, _) = self.people.iter().find(|(_, person)| person.id == id)?;
        (claims["exp"].as_i64()? > now()).then(|| email.clone())
    }

    fn session(&mut self, email: &str) -> Answer {
        let id = self.people[email].id;
        let expires_at = now() + self.lifetime;
        let claims = self.mint.claims_for(id).with("email", json!(email));
        let claims = claims.with("exp", json!(expires_at));
        let refresh_token = Uuid::new_v4().simple().to_string()[..12].to_owned();
        self.refresh_tokens.insert(refresh_token.clone(), email.to_owned());
        let body = json!({
            "access_token": self.mint.sign(HS256_HEADER, &claims.to_string()),
            "token_type": "bearer",
            "expires_in": self.lifetime,
            "expires_at": expires_at,
            "refresh_token": refresh_token,
            "user": self.user(email),
            "weak_password": null,
        });
        Answer::json(200, body)
    }

    fn user(&self, email: &str) -> Value {
        let Person { id, provider, .. } = &self.people[email];
        json!({
            "id": id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": email,
            "email_confirmed_at": "2026-11-01T00:00:00.000000Z",
            "phone": "",
            "app_metadata": {"provider": provider, "providers": [provider]},
            "user_metadata": {"email": email, "email_verified": true},
            "identities": [],
            "created_at": "2026-11-01T00:00:00.000000Z",
            "updated_at": "2026-11-01T00:00:00.000000Z",
            "is_anonymous": false,
        })
    }
}

fn bad_jwt() -> Answer {
    Answer::error(403, "bad_jwt", "invalid JWT: unable to parse or verify signature")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
    i64::try_from(since.as_secs()).expect("seconds fit for ages")
}

/// Adds to the query of an address that may have one.
fn with_query(address: &str, query: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{query}")
}
