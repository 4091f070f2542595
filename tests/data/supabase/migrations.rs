//! Migrations on whatever they may find: nothing, themselves, a plain PostgreSQL, another owner.

use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::json;
use tester::repositories::MIGRATIONS;

use super::shape::shape;
use super::upgrade::{earlier, stored};
use super::{Shared, case_list};
use crate::stack::lite;
use crate::stack::postgres::Cluster;

case_list! {
    applied_twice_they_change_nothing
    stopped_after_any_of_them_they_are_applied_again
    as_one_transaction_they_are_what_the_executable_prints
    functions_run_with_their_callers_rights_and_for_the_service_alone
    the_owner_of_a_project_needs_no_superuser
    a_plain_postgresql_is_given_the_roles
    two_wallets_of_one_user_stop_them_and_nothing_is_changed
}

async fn applied_twice_they_change_nothing(shared: Arc<Shared>) {
    for database in [lite::blank(shared.cluster()), earlier(shared.cluster(), "")] {
        lite::migrate(&database);
        let before = database.dump(&["--schema-only"]);
        for migration in MIGRATIONS {
            database.run(migration.sql);
            database.run(migration.sql);
        }
        lite::migrate(&database);
        assert_eq!(database.dump(&["--schema-only"]), before);
    }
}

async fn stopped_after_any_of_them_they_are_applied_again(shared: Arc<Shared>) {
    let expected = shape(&lite::migrated(shared.cluster()));
    for applied in 1..MIGRATIONS.len() {
        let database = earlier(shared.cluster(), "");
        let before = stored(&database);
        for migration in &MIGRATIONS[..applied] {
            database.run(migration.sql);
        }
        lite::migrate(&database);
        assert_eq!(stored(&database), before, "after {applied}");
        assert_eq!(shape(&database), expected, "after {applied}");
    }
}

/// What `tester migrate --print` prints.
fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tester"))
        .args(["migrate", "--print"])
        .env_clear()
        .stderr(Stdio::inherit())
        .output()
        .expect("the executable is built");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

async fn as_one_transaction_they_are_what_the_executable_prints(shared: Arc<Shared>) {
    let expected = shape(&lite::migrated(shared.cluster()));
    for database in [lite::blank(shared.cluster()), earlier(shared.cluster(), "")] {
        database.try_run_with(&["--single-transaction"], &printed()).expect("applied");
        assert_eq!(shape(&database), expected);
        database.try_run_with(&["--single-transaction"], &printed()).expect("applied again");
    }
}

async fn functions_run_with_their_callers_rights_and_for_the_service_alone(shared: Arc<Shared>) {
    let database = earlier(shared.cluster(), "");
    lite::migrate(&database);
    let (_, functions) = shape(&database).swap_remove(0);
    assert_eq!(functions.len(), 9, "no function of an earlier release is left");
    for function in functions {
        assert_eq!(function["definer"], json!(false), "{function}");
        assert_eq!(function["settings"], json!(["search_path=\"\""]), "{function}");
        assert_eq!(function["granted"], json!(["service_role EXECUTE"]), "{function}");
    }
}

async fn the_owner_of_a_project_needs_no_superuser(shared: Arc<Shared>) {
    let expected = shape(&lite::migrated(shared.cluster()));
    let owner = "project_owner";
    shared.cluster().create().run(&format!("create role {owner} createrole createdb bypassrls"));
    for database in [lite::blank(shared.cluster()), earlier(shared.cluster(), "")] {
        // As Supabase gives a project to the role `postgres`.
        let mut handing_over = format!(
            "alter database {name} owner to {owner};
             grant all on schema auth to {owner};
             grant all on all tables in schema auth to {owner};",
            name = database.name()
        );
        for kind in ["tables", "functions", "sequences"] {
            handing_over += &format!(
                "alter default privileges for role {owner} in schema public
                     grant all on {kind} to anon, authenticated, service_role;"
            );
        }
        handing_over += &format!(
            "do $$ declare v_object text; begin
                 for v_object in select tablename from pg_tables where schemaname = 'public' loop
                     execute format('alter table public.%I owner to {owner}', v_object);
                 end loop;
                 for v_object in select oid::regprocedure from pg_proc
                     where pronamespace = 'public'::regnamespace loop
                     execute format('alter function %s owner to {owner}', v_object);
                 end loop;
             end $$"
        );
        database.run(&handing_over);
        let applied = database.try_run(&format!("set role {owner};\n{}", printed()));
        applied.expect("applied");
        assert_eq!(shape(&database), expected);
    }
}

async fn a_plain_postgresql_is_given_the_roles(_: Arc<Shared>) {
    let database = Cluster::start().create();
    database.run(
        "create schema auth;
         create table auth.users (id uuid primary key);
         create function auth.uid() returns uuid language sql as 'select null::uuid'",
    );
    lite::migrate(&database);
    let bypasses = "select rolname, rolbypassrls, rolcanlogin from pg_roles
                    where rolname in ('anon', 'authenticated', 'service_role') order by 1";
    assert_eq!(database.run(bypasses), "anon|f|f\nauthenticated|f|f\nservice_role|t|f");
    // The service must reach what is in the schema.
    let user = "00000000-0000-4000-8000-000000000001";
    let opened = database.run(&format!(
        "insert into auth.users values ('{user}');
         set role service_role;
         select initialize_user_wallet('{user}')->>'balance'"
    ));
    assert_eq!(opened, "50");
}

async fn two_wallets_of_one_user_stop_them_and_nothing_is_changed(shared: Arc<Shared>) {
    let database = earlier(
        shared.cluster(),
        "alter table user_tokens drop constraint user_tokens_pkey cascade;
         insert into user_tokens select * from user_tokens",
    );
    let before = database.dump(&[]);
    let error = database
        .try_run_with(&["--single-transaction"], &printed())
        .expect_err("nobody knows which balance is right");
    assert!(error.contains("user_tokens_user_id_key"), "{error}");
    assert_eq!(database.dump(&[]), before);
}
