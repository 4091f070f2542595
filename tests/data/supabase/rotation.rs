//! The rotation of keys on a real database, killed for real while users read and write.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use tester::crypto::{FieldCipher, FieldContext, MasterKey};
use tester::domain::UserId;
use uuid::Uuid;

use super::Shared;
use super::app::App;
use crate::stack::lite::{Project, SECRET_KEY, User};
use crate::stack::until;

super::case_list! {
    killed_at_ten_random_points_it_ends_with_every_row_under_the_new_key
    rows_that_cannot_be_read_are_listed_and_the_others_are_served
    rows_of_which_something_was_never_filled_in_are_served_and_only_one_without_a_user_is_left
}

const OLD_KEY: &str = "pQ7vXz2Lm9RtYc4WbN8sKd1GfH6jA3eUoI5xT0qMwVE=";
const NEW_KEY: &str = "Jx3tQ0mV9rLk2WcYpZ8uHsN5dGfB1aTeRiOqXy7wM4E=";
const OTHER_KEY: &str = "Zr8Yk1Wq5Tn3Vb7Xc9Md2Lf4Gh6Js0PaEuIoR_tQwy4=";

/// Enough that a slow look at how far it got does not let it run to its end.
const ROWS: usize = 1_200;
const KILLS: usize = 10;

/// By row: source and tests.
type Texts = BTreeMap<String, (String, String)>;

fn cipher(key: &str) -> FieldCipher {
    FieldCipher::new(&MasterKey::parse(key).expect("a key of these tests"))
}

/// A row as an instance with this key stores it.
fn insert(user: &User, id: Uuid, key: &str, texts: &(String, String)) -> String {
    let sealed = |column, text: &str| {
        let context =
            FieldContext { table: "generation_history", column, user: UserId(user.id), row: id };
        cipher(key).encrypt(&context, text).as_str().to_owned()
    };
    format!(
        "insert into public.generation_history
             (id, user_id, input_code, generated_code, language, model)
         values ('{id}', '{}', '{}', '{}', 'python', 'gemini-3.8-flash');",
        user.id,
        sealed("input_code", &texts.0),
        sealed("generated_code", &texts.1),
    )
}

fn rotation(project: &Project, dry_run: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
    command.args(["rotate-keys", "--page-size", "16"]);
    if dry_run {
        command.arg("--dry-run");
    }
    command
        .env_clear()
        .env("ENV", "development")
        .env("SUPABASE_URL", project.url())
        .env("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY)
        .env("DATA_ENCRYPTION_KEY", NEW_KEY)
        .env("DATA_ENCRYPTION_KEYS_RETIRED", OLD_KEY)
        .stdin(Stdio::null());
    command
}

async fn run(mut command: Command) -> Output {
    let ended = tokio::task::spawn_blocking(move || command.output());
    ended.await.expect("no panic").expect("the executable is built")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// Rows with both texts under the new key.
fn rotated(project: &Project) -> usize {
    let prefix = cipher(NEW_KEY).current_prefix();
    let count = project.database().number(&format!(
        "select count(*) from public.generation_history
         where input_code like '{prefix}%' and generated_code like '{prefix}%'"
    ));
    usize::try_from(count).expect("a count")
}

async fn texts(app: &App, user: &User) -> Texts {
    let pages = app.pages(user, "/api/history/?limit=100").await;
    let text = |row: &serde_json::Value, name: &str| {
        row[name].as_str().unwrap_or_else(|| panic!("{name} in {row}")).to_owned()
    };
    let rows = pages.into_iter().flatten();
    rows.map(|row| (text(&row, "id"), (text(&row, "input_code"), text(&row, "generated_code"))))
        .collect()
}

/// Waits until this many rows are done, or the process has nothing left to do.
async fn killed_after(project: &Project, process: &mut Child, rows: usize) {
    until("some more rows", || {
        rotated(project) >= rows || process.try_wait().expect("a status").is_some()
    })
    .await;
    // SIGKILL: no handler runs, nothing is flushed. It may have ended a moment ago.
    let _ = process.kill();
    process.wait().expect("a status");
}

async fn killed_at_ten_random_points_it_ends_with_every_row_under_the_new_key(shared: Arc<Shared>) {
    let project = Project::serve(crate::stack::lite::migrated(shared.cluster()));
    let user = project.sign_up().await;
    let mut expected = Texts::new();
    let mut rows = String::new();
    for number in 0..ROWS {
        let id = Uuid::new_v4();
        let pair = (format!("def f{number}(): '더하기'"), format!("assert f{number}()"));
        rows += &insert(&user, id, OLD_KEY, &pair);
        expected.insert(id.to_string(), pair);
    }
    project.database().run(&rows);
    let wallet = format!("select public.initialize_user_wallet('{}', 1000)", user.id);
    project.database().run(&wallet);
    let keys = [("DATA_ENCRYPTION_KEY", NEW_KEY), ("DATA_ENCRYPTION_KEYS_RETIRED", OLD_KEY)];
    let app = App::start_with(&project, &keys, "").await;
    assert_eq!(texts(&app, &user).await, expected, "before");
    let mut points = Vec::new();
    for kill in 0..KILLS {
        // Somewhere in the next thirtieth of the table.
        let step = 1 + Uuid::new_v4().as_u128() as usize % (ROWS / KILLS / 3);
        let point = rotated(&project) + step;
        let mut process = rotation(&project, false)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the executable is built");
        killed_after(&project, &mut process, point).await;
        points.push(rotated(&project));
        // The service goes on: it reads what is done and what is not, and writes.
        let id = app.stored(&user, kill).await;
        let now = texts(&app, &user).await;
        expected.insert(id.clone(), now[&id].clone());
        assert_eq!(now, expected, "killed at {points:?}");
    }
    let undone = ROWS + KILLS - rotated(&project);
    assert!(undone > 0, "the last kill was not at the end: {points:?}");
    let output = run(rotation(&project, false)).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("0 unreadable"), "{}", said(&output));
    assert_eq!(rotated(&project), ROWS + KILLS, "killed at {points:?}");
    let after = App::start_with(&project, &keys[..1], "").await;
    assert_eq!(texts(&after, &user).await, expected, "without the old key");
}

async fn rows_that_cannot_be_read_are_listed_and_the_others_are_served(shared: Arc<Shared>) {
    let project = Project::serve(crate::stack::lite::migrated(shared.cluster()));
    let user = project.sign_up().await;
    let pair = ("def f(): SECRET".to_owned(), "assert f()".to_owned());
    let [readable, foreign, moved] = [(); 3].map(|()| Uuid::new_v4());
    project.database().run(&insert(&user, readable, OLD_KEY, &pair));
    project.database().run(&insert(&user, foreign, OTHER_KEY, &pair));
    project.database().run(&insert(&user, moved, OLD_KEY, &pair));
    project.database().run(&format!(
        "update public.generation_history set generated_code = input_code where id = '{moved}'"
    ));
    let output = run(rotation(&project, true)).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("1 to re-encrypt"), "{}", said(&output));
    assert_eq!(rotated(&project), 0, "a dry run writes nothing");
    let output = run(rotation(&project, false)).await;
    assert_eq!(output.status.code(), Some(1), "rows are left");
    let said = said(&output);
    for (id, reason) in [(foreign, "not in the ring"), (moved, "changed or moved")] {
        let line = said.lines().find(|line| line.contains(&id.to_string()));
        assert!(line.is_some_and(|line| line.contains(reason)), "{id} {reason} in {said}");
    }
    assert!(!said.contains("SECRET") && !said.contains("t1."), "{said}");
    let app = App::start_with(&project, &[("DATA_ENCRYPTION_KEY", NEW_KEY)], "").await;
    let answer = app.get(&user, "/api/history/").await;
    let named = answer.header("x-unreadable-items").expect("the client is told");
    for id in [foreign, moved] {
        assert!(named.contains(&id.to_string()), "{id} in {named}");
    }
    let rows = answer.json().await;
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["id"], readable.to_string());
    assert_eq!(rows[0]["input_code"], pair.0);
}

async fn rows_of_which_something_was_never_filled_in_are_served_and_only_one_without_a_user_is_left(
    shared: Arc<Shared>,
) {
    let project = Project::serve(crate::stack::lite::migrated(shared.cluster()));
    let user = project.sign_up().await;
    let pair = ("def f(): SECRET".to_owned(), "assert f()".to_owned());
    let [partial, nobodys] = [(); 2].map(|()| Uuid::new_v4());
    project.database().run(&insert(&user, partial, OLD_KEY, &pair));
    project.database().run(&insert(&user, nobodys, OLD_KEY, &pair));
    // As tables of earlier projects may allow.
    project.database().run(&format!(
        "alter table public.generation_history
             alter column user_id drop not null, alter column input_code drop not null,
             alter column language drop not null, alter column model drop not null;
         update public.generation_history
             set input_code = null, language = null, model = null where id = '{partial}';
         update public.generation_history set user_id = null where id = '{nobodys}'"
    ));
    let output = run(rotation(&project, false)).await;
    assert_eq!(output.status.code(), Some(1), "one is left: {}", said(&output));
    let said = said(&output);
    let line = said.lines().find(|line| line.contains(&nobodys.to_string()));
    assert!(line.is_some_and(|line| line.contains("the row has no user")), "{said}");
    assert!(said.contains("1 re-encrypted") && said.contains("1 unreadable"), "{said}");
    let app = App::start_with(&project, &[("DATA_ENCRYPTION_KEY", NEW_KEY)], "").await;
    let (rows, _) = app.page(&user, "/api/history/").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let texts = ["input_code", "generated_code", "language", "model"];
    assert_eq!(texts.map(|name| rows[0][name].as_str()), ["", &pair.1, "", ""].map(Some));
}
