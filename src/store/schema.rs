// @generated automatically by Diesel CLI.

diesel::table! {
    policies (id) {
        id -> BigInt,
        tenant_id -> Text,
        graph_policy_id -> Text,
        policy_type -> Text,
        policy_name -> Text,
        description -> Nullable<Text>,
        platform -> Nullable<Text>,
        technologies -> Nullable<Text>,
        graph_type -> Nullable<Text>,
        template_family -> Nullable<Text>,
        template_name -> Nullable<Text>,
        scope_tag_ids -> Nullable<Text>,
        assigned -> Nullable<Bool>,
        setting_count -> BigInt,
        complete -> Bool,
        content_hash -> Text,
        source_hash -> Text,
        search_text -> Text,
        graph_created_at -> Nullable<Timestamp>,
        graph_modified_at -> Nullable<Timestamp>,
        first_seen_at -> Timestamp,
        last_synced_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    policy_assignments (id) {
        id -> BigInt,
        policy_id -> BigInt,
        intent -> Text,
        target_type -> Text,
        target_id -> Nullable<Text>,
        target_name -> Nullable<Text>,
        filter_id -> Nullable<Text>,
        filter_name -> Nullable<Text>,
        filter_mode -> Nullable<Text>,
    }
}

diesel::table! {
    setting_changes (id) {
        id -> BigInt,
        run_id -> Text,
        tenant_id -> Text,
        graph_policy_id -> Text,
        policy_name -> Text,
        policy_type -> Text,
        setting_path -> Text,
        setting_name -> Text,
        change -> Text,
        old_value -> Nullable<Text>,
        new_value -> Nullable<Text>,
        changed_by -> Nullable<Text>,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    setting_definitions (definition_id) {
        definition_id -> Text,
        display_name -> Nullable<Text>,
        description -> Nullable<Text>,
        category -> Nullable<Text>,
        options -> Nullable<Text>,
        fetched_at -> Timestamp,
    }
}

diesel::table! {
    settings (id) {
        id -> BigInt,
        policy_id -> BigInt,
        setting_name -> Text,
        setting_value -> Nullable<Text>,
        setting_path -> Text,
        definition_id -> Nullable<Text>,
        category -> Nullable<Text>,
        configured -> Nullable<Bool>,
        raw_value -> Nullable<Text>,
        search_text -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    sync_run_kinds (run_id, policy_type) {
        run_id -> Text,
        policy_type -> Text,
        status -> Text,
        listed -> Bool,
        duration_ms -> BigInt,
        policies -> BigInt,
        settings -> BigInt,
        added -> BigInt,
        changed -> BigInt,
        removed -> BigInt,
        unchanged -> BigInt,
        incomplete -> BigInt,
        skipped -> BigInt,
        requests -> BigInt,
        throttled -> BigInt,
        waited_ms -> BigInt,
        error_code -> Nullable<Text>,
        error_message -> Nullable<Text>,
        error_hint -> Nullable<Text>,
        error_request_id -> Nullable<Text>,
    }
}

diesel::table! {
    sync_runs (run_id) {
        run_id -> Text,
        tenant_id -> Text,
        trigger -> Text,
        job_id -> Nullable<Text>,
        status -> Text,
        started_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        duration_ms -> Nullable<BigInt>,
        policies -> BigInt,
        settings -> BigInt,
        added -> BigInt,
        changed -> BigInt,
        removed -> BigInt,
        unchanged -> BigInt,
        incomplete -> BigInt,
        requests -> BigInt,
        throttled -> BigInt,
        waited_ms -> BigInt,
        error_code -> Nullable<Text>,
        error_message -> Nullable<Text>,
    }
}

diesel::table! {
    tenants (tenant_id) {
        tenant_id -> Text,
        domain -> Nullable<Text>,
        display_name -> Nullable<Text>,
        first_seen_at -> Timestamp,
    }
}

diesel::joinable!(policies -> tenants (tenant_id));
diesel::joinable!(policy_assignments -> policies (policy_id));
diesel::joinable!(setting_changes -> sync_runs (run_id));
diesel::joinable!(settings -> policies (policy_id));
diesel::joinable!(sync_run_kinds -> sync_runs (run_id));
diesel::joinable!(sync_runs -> tenants (tenant_id));

diesel::allow_tables_to_appear_in_same_query!(
    policies,
    policy_assignments,
    setting_changes,
    setting_definitions,
    settings,
    sync_run_kinds,
    sync_runs,
    tenants,
);
