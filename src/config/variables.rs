//! Every environment variable TESTER knows: who needs it, what for, and where a value comes from.
//!
//! The loader, `tester check-env` and the test of `.env.example` all read this one table.

/// Which part of TESTER is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The web half, for real users.
    Serve,
    /// Both halves on one machine, for the person in front of it.
    Dev,
    /// The execution half.
    Worker,
}

impl Role {
    /// The subcommand's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Dev => "dev",
            Self::Worker => "worker",
        }
    }
}

/// Whether a role starts without a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It does not.
    Required,
    /// It does, with the default that the variable's purpose names.
    Optional,
    /// The role never reads the variable.
    Unread,
}

/// One environment variable.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    name: &'static str,
    needs: Needs,
    purpose: &'static str,
    remedy: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
struct Needs {
    serve: Need,
    dev: Need,
    worker: Need,
}

impl Variable {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it is for and, if it is optional, what happens without it.
    #[must_use]
    pub const fn purpose(&self) -> &'static str {
        self.purpose
    }

    /// How to get a right value.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Whether the role starts without it.
    #[must_use]
    pub const fn need(&self, role: Role) -> Need {
        match role {
            Role::Serve => self.needs.serve,
            Role::Dev => self.needs.dev,
            Role::Worker => self.needs.worker,
        }
    }
}

const fn needs(serve: Need, dev: Need, worker: Need) -> Needs {
    Needs { serve, dev, worker }
}

/// All of them, in the order of reports and of `.env.example`.
pub static ALL: [&Variable; 36] = [
    &GEMINI_API_KEY,
    &SUPABASE_URL,
    &SUPABASE_SERVICE_ROLE_KEY,
    &SUPABASE_JWT_SECRET,
    &SUPABASE_ANON_KEY,
    &DATA_ENCRYPTION_KEY,
    &TURNSTILE_SECRET_KEY,
    &WORKER_URL,
    &WORKER_AUTH_TOKEN,
    &DATA_ENCRYPTION_KEYS_RETIRED,
    &REDIS_URL,
    &TESTER_INTERNAL_SECRET,
    &ALLOWED_ORIGINS,
    &ENV,
    &DEFAULT_GEMINI_MODEL,
    &PORT,
    &HOST,
    &GEMINI_BASE_URL,
    &TURNSTILE_VERIFY_URL,
    &TURNSTILE_HOSTNAMES,
    &TURNSTILE_ACTION,
    &TURNSTILE_SITE_KEY,
    &SUPABASE_JWT_ISSUER,
    &TRUSTED_PROXY_HOPS,
    &LOG_FORMAT,
    &RUST_LOG,
    &GOOGLE_CLOUD_PROJECT,
    &OTEL_EXPORTER_OTLP_ENDPOINT,
    &OTEL_EXPORTER_OTLP_HEADERS,
    &RATE_LIMIT_GENERATE_PER_MINUTE,
    &RATE_LIMIT_EXECUTE_PER_MINUTE,
    &RATE_LIMIT_STATUS_PER_MINUTE,
    &WALLET_ENABLED,
    &SANDBOX_ENGINE,
    &DOCKER_RUNTIME,
    &DOCKER_HOST,
];

/// Those whose values are secrets of their own: no two may be equal.
pub static SECRETS: [&Variable; 9] = [
    &GEMINI_API_KEY,
    &SUPABASE_SERVICE_ROLE_KEY,
    &SUPABASE_JWT_SECRET,
    &SUPABASE_ANON_KEY,
    &DATA_ENCRYPTION_KEY,
    &DATA_ENCRYPTION_KEYS_RETIRED,
    &TURNSTILE_SECRET_KEY,
    &WORKER_AUTH_TOKEN,
    &TESTER_INTERNAL_SECRET,
];

/// `GEMINI_API_KEY`
pub static GEMINI_API_KEY: Variable = Variable {
    name: "GEMINI_API_KEY",
    needs: needs(Need::Required, Need::Optional, Need::Unread),
    purpose: "pays for the model that writes the tests",
    remedy: "create a key at https://aistudio.google.com/apikey",
};

/// `SUPABASE_URL`
pub static SUPABASE_URL: Variable = Variable {
    name: "SUPABASE_URL",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "the Supabase project that holds users, history and wallets",
    remedy: "Supabase dashboard, Project Settings, Data API: the project URL, \
             https://REF.supabase.co",
};

/// `SUPABASE_SERVICE_ROLE_KEY`
pub static SUPABASE_SERVICE_ROLE_KEY: Variable = Variable {
    name: "SUPABASE_SERVICE_ROLE_KEY",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "reads and writes users' rows in Supabase",
    remedy: "Supabase dashboard, Project Settings, API Keys: the secret key (sb_secret_…) or the \
             legacy service_role key",
};

/// `SUPABASE_JWT_SECRET`
pub static SUPABASE_JWT_SECRET: Variable = Variable {
    name: "SUPABASE_JWT_SECRET",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "verifies the access tokens that users sign in with",
    remedy: "Supabase dashboard, Project Settings, JWT Keys: the legacy JWT secret",
};

/// `SUPABASE_ANON_KEY`
pub static SUPABASE_ANON_KEY: Variable = Variable {
    name: "SUPABASE_ANON_KEY",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "lets the web page sign users in",
    remedy: "Supabase dashboard, Project Settings, API Keys: the publishable key \
             (sb_publishable_…) or the legacy anon key",
};

/// `DATA_ENCRYPTION_KEY`
pub static DATA_ENCRYPTION_KEY: Variable = Variable {
    name: "DATA_ENCRYPTION_KEY",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "encrypts source code and tests before they are stored",
    remedy: "the key the stored rows were written with; for a new deployment, run `tester keygen`",
};

/// `TURNSTILE_SECRET_KEY`
pub static TURNSTILE_SECRET_KEY: Variable = Variable {
    name: "TURNSTILE_SECRET_KEY",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "keeps bots out",
    remedy: "Cloudflare dashboard, Turnstile, your widget: the secret key",
};

/// `WORKER_URL`
pub static WORKER_URL: Variable = Variable {
    name: "WORKER_URL",
    needs: needs(Need::Required, Need::Unread, Need::Unread),
    purpose: "the workers that run tests",
    remedy: "the root URL of `tester worker`, several separated by commas: https, or http on a \
             private address",
};

/// `WORKER_AUTH_TOKEN`
pub static WORKER_AUTH_TOKEN: Variable = Variable {
    name: "WORKER_AUTH_TOKEN",
    needs: needs(Need::Required, Need::Unread, Need::Required),
    purpose: "proves to a worker that the web half is asking; the same value on both sides",
    remedy: "run `tester keygen` once and give its WORKER_AUTH_TOKEN to both sides",
};

/// `DATA_ENCRYPTION_KEYS_RETIRED`
pub static DATA_ENCRYPTION_KEYS_RETIRED: Variable = Variable {
    name: "DATA_ENCRYPTION_KEYS_RETIRED",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "earlier values of DATA_ENCRYPTION_KEY: rows written with them stay readable until \
              `tester rotate-keys` has re-encrypted them",
    remedy: "the earlier keys, separated by commas; leave it out once `tester rotate-keys` counts \
             no row under them",
};

/// `REDIS_URL`
pub static REDIS_URL: Variable = Variable {
    name: "REDIS_URL",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "the Redis that all instances share cached answers and rate limits through; without it \
              each instance has its own",
    remedy: "redis://[user:password@]host[:port][/db], or rediss:// for TLS",
};

/// `TESTER_INTERNAL_SECRET`
pub static TESTER_INTERNAL_SECRET: Variable = Variable {
    name: "TESTER_INTERNAL_SECRET",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "opens /health and /metrics; without it they do not exist",
    remedy: "run `tester keygen`",
};

/// `ALLOWED_ORIGINS`
pub static ALLOWED_ORIGINS: Variable = Variable {
    name: "ALLOWED_ORIGINS",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "web origins whose pages may call the API; without it only TESTER's own",
    remedy: "origins separated by commas, each scheme://host[:port] and nothing more",
};

/// `ENV`
pub static ENV: Variable = Variable {
    name: "ENV",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "which rules apply: production (default of serve and worker) or development \
              (default of dev)",
    remedy: "production or development",
};

/// `DEFAULT_GEMINI_MODEL`
pub static DEFAULT_GEMINI_MODEL: Variable = Variable {
    name: "DEFAULT_GEMINI_MODEL",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "the model when a request names none; default models.default",
    remedy: "a name from models.offered in config/default.toml",
};

/// `PORT`
pub static PORT: Variable = Variable {
    name: "PORT",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "the port to listen on; default 8080, 0 lets the system choose",
    remedy: "a number from 0 to 65535; Cloud Run sets it itself",
};

/// `HOST`
pub static HOST: Variable = Variable {
    name: "HOST",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "the address to listen on; default 0.0.0.0, in dev 127.0.0.1",
    remedy: "an IP address, such as 0.0.0.0 or ::; in dev a loopback one, such as 127.0.0.1",
};

/// `GEMINI_BASE_URL`
pub static GEMINI_BASE_URL: Variable = Variable {
    name: "GEMINI_BASE_URL",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "where the Gemini API is reached; default Google's own",
    remedy: "leave it out, or the root URL of a gateway: https in production",
};

/// `TURNSTILE_VERIFY_URL`
pub static TURNSTILE_VERIFY_URL: Variable = Variable {
    name: "TURNSTILE_VERIFY_URL",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "where Turnstile tokens are verified; default Cloudflare's own",
    remedy: "leave it out, or the whole URL of the siteverify call: https in production",
};

/// `TURNSTILE_HOSTNAMES`
pub static TURNSTILE_HOSTNAMES: Variable = Variable {
    name: "TURNSTILE_HOSTNAMES",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "the sites whose Turnstile tokens are taken; default any that the widget allows",
    remedy: "host names separated by commas, such as app.example.com",
};

/// `TURNSTILE_ACTION`
pub static TURNSTILE_ACTION: Variable = Variable {
    name: "TURNSTILE_ACTION",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "the action that Turnstile tokens must have been made for; default any",
    remedy: "the widget's data-action: up to 32 letters, digits, _ and -",
};

/// `TURNSTILE_SITE_KEY`
pub static TURNSTILE_SITE_KEY: Variable = Variable {
    name: "TURNSTILE_SITE_KEY",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "the widget that the console shows; without it nobody can generate on the console",
    remedy: "the site key beside the secret key of the same widget: https://dash.cloudflare.com/?to=/:account/turnstile",
};

/// `SUPABASE_JWT_ISSUER`
pub static SUPABASE_JWT_ISSUER: Variable = Variable {
    name: "SUPABASE_JWT_ISSUER",
    needs: needs(Need::Optional, Need::Unread, Need::Unread),
    purpose: "the issuer that access tokens must name; default SUPABASE_URL/auth/v1",
    remedy: "leave it out, or the iss of your tokens if SUPABASE_URL is a custom domain; `any` \
             with ENV=development only, for servers whose tokens name none",
};

/// `TRUSTED_PROXY_HOPS`
pub static TRUSTED_PROXY_HOPS: Variable = Variable {
    name: "TRUSTED_PROXY_HOPS",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "how many proxies append to X-Forwarded-For; default 1 (Cloud Run), in dev 0",
    remedy: "a number from 0 to 10: 1 on Cloud Run, 2 behind a load balancer in front of it",
};

/// `LOG_FORMAT`
pub static LOG_FORMAT: Variable = Variable {
    name: "LOG_FORMAT",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "the shape of log lines; default json, in dev text",
    remedy: "json or text",
};

/// `RUST_LOG`
pub static RUST_LOG: Variable = Variable {
    name: "RUST_LOG",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "what is logged; default info",
    remedy: "a tracing filter, such as info or info,tester=debug",
};

/// `GOOGLE_CLOUD_PROJECT`
pub static GOOGLE_CLOUD_PROJECT: Variable = Variable {
    name: "GOOGLE_CLOUD_PROJECT",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "the project whose Cloud Logging shows a trace's lines together; default none: lines \
              carry the bare trace id",
    remedy: "the project's id (not its number or name), such as my-project-123",
};

/// `OTEL_EXPORTER_OTLP_ENDPOINT`
pub static OTEL_EXPORTER_OTLP_ENDPOINT: Variable = Variable {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    needs: needs(Need::Optional, Need::Optional, Need::Optional),
    purpose: "the OpenTelemetry collector that traces are sent to; without it none are made",
    remedy: "the collector's root URL for OTLP over HTTP, such as http://localhost:4318; plain \
             http only to private addresses in production",
};

/// `OTEL_EXPORTER_OTLP_HEADERS`
pub static OTEL_EXPORTER_OTLP_HEADERS: Variable = Variable {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "headers that the collector wants to see; default none",
    remedy: "name=value, several separated by commas, values percent-encoded",
};

/// `RATE_LIMIT_GENERATE_PER_MINUTE`
pub static RATE_LIMIT_GENERATE_PER_MINUTE: Variable = Variable {
    name: "RATE_LIMIT_GENERATE_PER_MINUTE",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "generations a user may start a minute; default 5, in dev 600",
    remedy: "a number from 1 to 100000",
};

/// `RATE_LIMIT_EXECUTE_PER_MINUTE`
pub static RATE_LIMIT_EXECUTE_PER_MINUTE: Variable = Variable {
    name: "RATE_LIMIT_EXECUTE_PER_MINUTE",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "test runs a user may start a minute; default 5, in dev 600",
    remedy: "a number from 1 to 100000",
};

/// `RATE_LIMIT_STATUS_PER_MINUTE`
pub static RATE_LIMIT_STATUS_PER_MINUTE: Variable = Variable {
    name: "RATE_LIMIT_STATUS_PER_MINUTE",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "status calls a user may make a minute; default 10, in dev 600",
    remedy: "a number from 1 to 100000",
};

/// `WALLET_ENABLED`
pub static WALLET_ENABLED: Variable = Variable {
    name: "WALLET_ENABLED",
    needs: needs(Need::Optional, Need::Optional, Need::Unread),
    purpose: "whether a generation costs tokens; default true, in dev false",
    remedy: "true or false",
};

/// `SANDBOX_ENGINE`
pub static SANDBOX_ENGINE: Variable = Variable {
    name: "SANDBOX_ENGINE",
    needs: needs(Need::Unread, Need::Optional, Need::Optional),
    purpose: "what isolates the tests that are run; default auto: docker in worker, in dev \
              namespace where this machine lets it, else docker",
    remedy: "auto, docker or namespace",
};

/// `DOCKER_RUNTIME`
pub static DOCKER_RUNTIME: Variable = Variable {
    name: "DOCKER_RUNTIME",
    needs: needs(Need::Unread, Need::Optional, Need::Optional),
    purpose: "the runtime of the sandboxes that Docker makes; default runc",
    remedy: "a runtime that the daemon knows (`docker info`), such as runc, runsc (gVisor), crun \
             or kata",
};

/// `DOCKER_HOST`
pub static DOCKER_HOST: Variable = Variable {
    name: "DOCKER_HOST",
    needs: needs(Need::Unread, Need::Optional, Need::Optional),
    purpose: "where Docker Engine listens; default unix:///var/run/docker.sock",
    remedy: "the path of a socket of this machine, as unix:///path",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_requires_exactly_the_nine_variables_of_the_contract() {
        let required: Vec<_> = ALL
            .iter()
            .filter(|variable| variable.need(Role::Serve) == Need::Required)
            .map(|variable| variable.name())
            .collect();
        assert_eq!(
            required,
            [
                "GEMINI_API_KEY",
                "SUPABASE_URL",
                "SUPABASE_SERVICE_ROLE_KEY",
                "SUPABASE_JWT_SECRET",
                "SUPABASE_ANON_KEY",
                "DATA_ENCRYPTION_KEY",
                "TURNSTILE_SECRET_KEY",
                "WORKER_URL",
                "WORKER_AUTH_TOKEN",
            ]
        );
    }

    #[test]
    fn the_worker_reads_no_users_and_no_key_but_its_own_token() {
        let read: Vec<_> = ALL
            .iter()
            .filter(|variable| variable.need(Role::Worker) != Need::Unread)
            .map(|variable| variable.name())
            .collect();
        assert_eq!(
            read,
            [
                "WORKER_AUTH_TOKEN",
                "ENV",
                "PORT",
                "HOST",
                "LOG_FORMAT",
                "RUST_LOG",
                "GOOGLE_CLOUD_PROJECT",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "SANDBOX_ENGINE",
                "DOCKER_RUNTIME",
                "DOCKER_HOST",
            ]
        );
    }

    #[test]
    fn no_variable_is_listed_twice() {
        let mut names: Vec<_> = ALL.iter().map(|variable| variable.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
