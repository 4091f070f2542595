//! Whom the database lets in: over the Data API, and by role.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Shared, case_list};
use crate::stack::lite::{self, PUBLISHABLE_KEY, SECRET_KEY, send};
use crate::stack::postgres::Database;

case_list! {
    without_a_user_the_data_api_gives_nothing
    a_user_reads_own_rows_over_the_data_api_and_does_nothing_else
    the_service_does_everything_over_the_data_api
    as_anon_every_table_and_every_function_is_refused
    as_a_user_own_rows_are_read_and_nothing_else_is_possible
    a_grant_that_is_given_by_mistake_opens_no_row
}

const TABLES: [&str; 4] =
    ["generation_history", "user_tokens", "token_transactions", "open_charges"];

const FUNCTIONS: usize = 9;

/// What each function of ours is called with.
fn calls(user: Uuid) -> [(&'static str, Value); FUNCTIONS] {
    let reference = Uuid::new_v4();
    [
        ("initialize_user_wallet", json!({"p_user_id": user})),
        (
            "open_user_wallet",
            json!({"p_user_id": user, "p_default_amount": 50, "p_bonus_amount": 30}),
        ),
        ("claim_daily_bonus", json!({"p_user_id": user})),
        ("deduct_tokens", json!({"p_user_id": user, "p_amount": 1})),
        ("refund_tokens", json!({"p_user_id": user, "p_amount": 1})),
        ("add_tokens", json!({"p_user_id": user, "p_amount": 1, "p_type": "purchase"})),
        ("settle_charge", json!({"p_user_id": user, "p_reference_id": reference})),
        ("refund_abandoned_charges", json!({"p_older_than_seconds": 1_000_000})),
        ("tester_schema_version", json!({})),
    ]
}

/// What somebody might try to write, by table.
fn rows(user: Uuid) -> [(&'static str, Value); 4] {
    [
        (
            "generation_history",
            json!({
                "user_id": user, "input_code": "a", "generated_code": "b",
                "language": "python", "model": "m",
            }),
        ),
        ("user_tokens", json!({"user_id": user, "balance": 1_000_000})),
        (
            "token_transactions",
            json!({"user_id": user, "amount": 1, "type": "purchase", "balance_after": 1}),
        ),
        ("open_charges", json!({"reference_id": Uuid::new_v4(), "user_id": user, "amount": 1})),
    ]
}

/// A row in each table for a user.
fn fill(database: &Database, user: Uuid) {
    database.run(&format!(
        "select deduct_tokens('{user}', 10, 'x', gen_random_uuid());
         insert into generation_history (user_id, input_code, generated_code, language, model)
             values ('{user}', 'a', 'b', 'python', 'm')"
    ));
}

/// A database with two users who have everything; nobody else uses it.
fn with_two_users(shared: &Shared) -> (Database, [Uuid; 2]) {
    let database = lite::migrated(shared.cluster());
    let users = [Uuid::new_v4(), Uuid::new_v4()];
    for user in users {
        database.run(&format!(
            "insert into auth.users (id, email) values ('{user}', '{user}@example.com');
             select initialize_user_wallet('{user}', 50)"
        ));
        fill(&database, user);
    }
    (database, users)
}

/// In a role, as PostgREST takes it on for a request.
fn as_role(role: &str, user: Uuid, sql: &str) -> String {
    let claims = json!({"sub": user, "role": role});
    format!(
        "select set_config('request.jwt.claims', '{claims}', false),
                set_config('request.jwt.claim.sub', '{user}', false) \\g /dev/null
         set role {role};
         {sql}"
    )
}

#[track_caller]
fn assert_refused(database: &Database, sql: &str) {
    let error = database.try_run(sql).expect_err(sql);
    assert!(error.contains("permission denied"), "{error} for {sql}");
}

/// Every function in `public`, called with nothing but nulls.
fn calls_by_sql(database: &Database) -> Vec<String> {
    let query = "select format('select %s(%s)', p.oid::regproc, (
                     select string_agg('null::' || format_type(t, null), ', ')
                     from unnest(p.proargtypes) as t)) as call
                 from pg_proc as p where p.pronamespace = 'public'::regnamespace";
    let calls: Vec<String> = database
        .rows(query)
        .iter()
        .map(|row| row["call"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(calls.len(), FUNCTIONS, "{calls:?}");
    calls
}

async fn without_a_user_the_data_api_gives_nothing(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(100);
    fill(project.database(), user);
    for (table, row) in rows(user) {
        let path = format!("/rest/v1/{table}");
        for (method, body) in [("GET", None), ("POST", Some(&row)), ("PATCH", Some(&row))] {
            let request = project.request(method, &path, PUBLISHABLE_KEY);
            let request = if let Some(body) = body { request.json(body) } else { request };
            let (status, answer) = send(request).await;
            assert_eq!((status, &answer["code"]), (401, &json!("42501")), "{method} {table}");
        }
        let (status, _) = send(project.request("DELETE", &path, PUBLISHABLE_KEY)).await;
        assert_eq!(status, 401, "{table}");
    }
    for (function, arguments) in calls(user) {
        let path = format!("/rest/v1/rpc/{function}");
        let request = project.request("POST", &path, PUBLISHABLE_KEY).json(&arguments);
        let (status, answer) = send(request).await;
        assert_eq!((status, &answer["code"]), (401, &json!("42501")), "{function}: {answer}");
    }
    let (status, _) = send(project.request("GET", "/rest/v1/user_tokens", "sb_secret_wrong")).await;
    assert_eq!(status, 401, "a key that is none");
}

async fn a_user_reads_own_rows_over_the_data_api_and_does_nothing_else(shared: Arc<Shared>) {
    let project = shared.project();
    let (user, other) = (project.sign_up().await, project.user_with(100));
    project.call("initialize_user_wallet", &json!({"p_user_id": user.id})).await;
    for owner in [user.id, other] {
        fill(project.database(), owner);
    }
    for (table, expected) in
        [("generation_history", 1), ("user_tokens", 1), ("token_transactions", 2)]
    {
        let path = format!("/rest/v1/{table}");
        let (status, answer) = send(project.request_by(&user, "GET", &path)).await;
        let rows = answer.as_array().unwrap_or_else(|| panic!("{status} {answer}"));
        assert_eq!(rows.len(), expected, "{table}: {answer}");
        assert!(rows.iter().all(|row| row["user_id"] == json!(user.id)), "{table}: {answer}");
        let others = format!("{path}?user_id=eq.{other}");
        let (_, answer) = send(project.request_by(&user, "GET", &others)).await;
        assert_eq!(answer, json!([]), "{table}");
    }
    let (status, _) = send(project.request_by(&user, "GET", "/rest/v1/open_charges")).await;
    assert_eq!(status, 403);
    for (table, row) in rows(user.id) {
        let path = format!("/rest/v1/{table}");
        let own = format!("{path}?user_id=eq.{}", user.id);
        for request in [
            project.request_by(&user, "POST", &path).json(&row),
            project.request_by(&user, "PATCH", &own).json(&row),
            project.request_by(&user, "DELETE", &own),
        ] {
            let (status, answer) = send(request).await;
            assert_eq!((status, &answer["code"]), (403, &json!("42501")), "{table}: {answer}");
        }
    }
    for (function, arguments) in calls(user.id) {
        let path = format!("/rest/v1/rpc/{function}");
        let (status, answer) =
            send(project.request_by(&user, "POST", &path).json(&arguments)).await;
        assert_eq!((status, &answer["code"]), (403, &json!("42501")), "{function}: {answer}");
    }
    let balance = format!("select balance from user_tokens where user_id = '{}'", user.id);
    assert_eq!(project.database().number(&balance), 40, "what the service left there");
}

async fn the_service_does_everything_over_the_data_api(shared: Arc<Shared>) {
    let project = shared.project();
    let user = project.user_with(100);
    for (function, arguments) in calls(user) {
        project.call(function, &arguments).await;
    }
    for (table, row) in rows(user).into_iter().filter(|(table, _)| *table != "user_tokens") {
        let path = format!("/rest/v1/{table}");
        let own = format!("{path}?user_id=eq.{user}");
        let (status, answer) = send(project.request("POST", &path, SECRET_KEY).json(&row)).await;
        assert_eq!(status, 201, "{table}: {answer}");
        let (status, answer) = send(project.request("PATCH", &own, SECRET_KEY).json(&row)).await;
        assert!((200..300).contains(&status), "{table}: {answer}");
        let (_, answer) = send(project.request("GET", &own, SECRET_KEY)).await;
        assert!(answer.as_array().is_some_and(|rows| !rows.is_empty()), "{table}: {answer}");
        let (status, answer) = send(project.request("DELETE", &own, SECRET_KEY)).await;
        assert!((200..300).contains(&status), "{table}: {answer}");
    }
}

async fn as_anon_every_table_and_every_function_is_refused(shared: Arc<Shared>) {
    let (database, [user, _]) = with_two_users(&shared);
    for table in TABLES {
        for sql in [
            format!("select * from {table}"),
            format!("insert into {table} default values"),
            format!("update {table} set user_id = user_id"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            assert_refused(&database, &as_role("anon", user, &sql));
        }
    }
    for call in calls_by_sql(&database) {
        assert_refused(&database, &as_role("anon", user, &call));
    }
}

async fn as_a_user_own_rows_are_read_and_nothing_else_is_possible(shared: Arc<Shared>) {
    let (database, [user, other]) = with_two_users(&shared);
    let read = |sql: &str| database.run(&as_role("authenticated", user, sql));
    for table in ["generation_history", "user_tokens", "token_transactions"] {
        let of = |owner| format!("select count(*) from {table} where user_id = '{owner}'");
        let own = database.run(&of(user));
        assert_ne!(own, "0", "{table}");
        assert_eq!(read(&of(user)), own, "{table}");
        assert_eq!(read(&of(other)), "0", "{table}");
        assert_eq!(read(&format!("select count(*) from {table}")), own, "{table}");
        let nobody =
            as_role("authenticated", Uuid::nil(), &format!("select count(*) from {table}"));
        assert_eq!(database.run(&nobody), "0", "{table}");
    }
    assert_refused(&database, &as_role("authenticated", user, "select * from open_charges"));
    for table in TABLES {
        for sql in [
            format!("insert into {table} default values"),
            format!("update {table} set user_id = user_id where user_id = '{user}'"),
            format!("delete from {table} where user_id = '{user}'"),
            format!("truncate {table}"),
        ] {
            assert_refused(&database, &as_role("authenticated", user, &sql));
        }
    }
    for call in calls_by_sql(&database) {
        assert_refused(&database, &as_role("authenticated", user, &call));
    }
}

async fn a_grant_that_is_given_by_mistake_opens_no_row(shared: Arc<Shared>) {
    let (database, users) = with_two_users(&shared);
    database.run(
        "grant all on all tables in schema public to anon, authenticated;
         grant execute on all functions in schema public to anon, authenticated",
    );
    let content = |table: &str| {
        database.run(&format!("select md5(array_agg(t order by t)::text) from {table} as t"))
    };
    let before = TABLES.map(content);
    for role in ["anon", "authenticated"] {
        for owner in users {
            let attempt = |sql: &str| database.try_run(&as_role(role, users[0], sql));
            // Row level security hides a wallet from whoever may not change it.
            let said = attempt(&format!("select deduct_tokens('{owner}', 1)"));
            assert!(said.as_ref().is_ok_and(|said| said.contains("USER_NOT_FOUND")), "{said:?}");
            let said = attempt(&format!("select initialize_user_wallet('{}')", Uuid::new_v4()));
            assert!(
                said.as_ref().is_err_and(|said| said.contains("row-level security")),
                "{said:?}"
            );
            for table in TABLES {
                let rows = format!("where user_id = '{owner}' returning 'changed'");
                for change in [
                    format!("update {table} set user_id = user_id {rows}"),
                    format!("delete from {table} {rows}"),
                ] {
                    assert_eq!(attempt(&change).as_deref(), Ok(""), "{role}: {change}");
                }
            }
        }
        let of_the_other = format!("select * from user_tokens where user_id = '{}'", users[1]);
        assert_eq!(database.run(&as_role(role, users[0], &of_the_other)), "", "{role}");
    }
    assert_eq!(TABLES.map(content), before);
}
