use serde_json::Value;

use crate::stack::postgres::Database;

/// What decides who can do what: functions, policies, grants.
pub fn shape(database: &Database) -> Vec<(&'static str, Vec<Value>)> {
    let queries = [
        (
            "functions",
            "select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as definition,
                 p.prosecdef as definer, p.proconfig as settings,
                 (select array_agg(coalesce(r.rolname, 'public') || ' ' || a.privilege_type
                         order by 1)
                     from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                     left join pg_roles as r on r.oid = a.grantee
                     where a.grantee <> p.proowner) as granted
             from pg_proc as p where p.pronamespace = 'public'::regnamespace order by 1",
        ),
        ("policies", "select * from pg_policies where schemaname = 'public' order by 3, 4"),
        (
            "row level security",
            "select relname, relrowsecurity from pg_class
             where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1",
        ),
        (
            "grants",
            "select table_name, privilege_type, grantee from information_schema.table_privileges
             where table_schema = 'public'
                 and grantee in ('PUBLIC', 'anon', 'authenticated', 'service_role')
             order by 1, 2, 3",
        ),
        (
            "grants of columns",
            "select distinct table_name, privilege_type, grantee
             from information_schema.column_privileges
             where table_schema = 'public'
                 and grantee in ('PUBLIC', 'anon', 'authenticated', 'service_role')
             order by 1, 2, 3",
        ),
        (
            "indexes that the service relies on",
            "select indexname from pg_indexes where indexname in ('generation_history_page',
                 'token_transactions_of_user', 'token_transactions_once', 'open_charges_oldest')
             order by 1",
        ),
    ];
    queries.map(|(name, query)| (name, database.rows(query))).into()
}
