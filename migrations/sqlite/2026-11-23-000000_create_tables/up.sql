CREATE TABLE tenants (
    tenant_id TEXT PRIMARY KEY NOT NULL,
    domain TEXT,
    display_name TEXT,
    first_seen_at TIMESTAMP NOT NULL
);

CREATE TABLE policies (
    id INTEGER PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    graph_policy_id TEXT NOT NULL,
    policy_type TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    description TEXT,
    platform TEXT,
    technologies TEXT,
    graph_type TEXT,
    template_family TEXT,
    template_name TEXT,
    scope_tag_ids TEXT,
    assigned BOOLEAN,
    setting_count BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    content_hash TEXT NOT NULL,
    -- hash of the bytes read and of the flattener that read them: where it stands, flattening is skipped
    source_hash TEXT NOT NULL,
    -- policy_name folded for searches
    search_text TEXT NOT NULL,
    graph_created_at TIMESTAMP,
    graph_modified_at TIMESTAMP,
    first_seen_at TIMESTAMP NOT NULL,
    last_synced_at TIMESTAMP NOT NULL,
    deleted_at TIMESTAMP,
    UNIQUE (tenant_id, graph_policy_id)
);

CREATE TABLE settings (
    id INTEGER PRIMARY KEY NOT NULL,
    policy_id BIGINT NOT NULL REFERENCES policies (id),
    setting_name TEXT NOT NULL,
    setting_value TEXT,
    setting_path TEXT NOT NULL,
    definition_id TEXT,
    category TEXT,
    configured BOOLEAN,
    raw_value TEXT,
    -- setting_name and setting_value folded for searches
    search_text TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    CONSTRAINT policy_settings_upsert_unique UNIQUE (policy_id, setting_name)
);

CREATE INDEX settings_definition_id ON settings (definition_id);

CREATE TABLE policy_assignments (
    id INTEGER PRIMARY KEY NOT NULL,
    policy_id BIGINT NOT NULL REFERENCES policies (id),
    intent TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id TEXT,
    target_name TEXT,
    filter_id TEXT,
    filter_name TEXT,
    filter_mode TEXT
);

CREATE INDEX policy_assignments_policy_id ON policy_assignments (policy_id);

CREATE TABLE sync_runs (
    run_id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    trigger TEXT NOT NULL,
    job_id TEXT,
    status TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    duration_ms BIGINT,
    policies BIGINT NOT NULL,
    settings BIGINT NOT NULL,
    added BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    incomplete BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    throttled BIGINT NOT NULL,
    waited_ms BIGINT NOT NULL,
    error_code TEXT,
    error_message TEXT
);

CREATE INDEX sync_runs_tenant_id ON sync_runs (tenant_id, started_at);

CREATE TABLE sync_run_kinds (
    run_id TEXT NOT NULL REFERENCES sync_runs (run_id),
    policy_type TEXT NOT NULL,
    status TEXT NOT NULL,
    -- the kind's list was read to its end
    listed BOOLEAN NOT NULL,
    duration_ms BIGINT NOT NULL,
    policies BIGINT NOT NULL,
    settings BIGINT NOT NULL,
    added BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    incomplete BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    throttled BIGINT NOT NULL,
    waited_ms BIGINT NOT NULL,
    error_code TEXT,
    error_message TEXT,
    error_hint TEXT,
    error_request_id TEXT,
    PRIMARY KEY (run_id, policy_type)
);

CREATE TABLE setting_changes (
    id INTEGER PRIMARY KEY NOT NULL,
    run_id TEXT NOT NULL REFERENCES sync_runs (run_id),
    tenant_id TEXT NOT NULL,
    graph_policy_id TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    policy_type TEXT NOT NULL,
    setting_path TEXT NOT NULL,
    setting_name TEXT NOT NULL,
    change TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    changed_by TEXT,
    changed_at TIMESTAMP NOT NULL
);

CREATE INDEX setting_changes_tenant_id ON setting_changes (tenant_id, changed_at);

CREATE TABLE setting_definitions (
    definition_id TEXT PRIMARY KEY NOT NULL,
    display_name TEXT,
    description TEXT,
    category TEXT,
    options TEXT,
    fetched_at TIMESTAMP NOT NULL
);

CREATE VIEW policy_settings AS
SELECT
    policies.tenant_id,
    policies.graph_policy_id,
    policies.policy_name,
    policies.policy_type,
    policies.platform,
    settings.setting_name,
    settings.setting_value,
    settings.setting_path,
    settings.definition_id,
    settings.category,
    settings.configured,
    settings.raw_value,
    settings.created_at,
    settings.updated_at,
    policies.last_synced_at
FROM settings
INNER JOIN policies ON policies.id = settings.policy_id;
