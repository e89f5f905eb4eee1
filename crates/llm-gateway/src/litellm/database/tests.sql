-- The tables of LiteLLM that are read, after its published schema, with rows of our own.
CREATE TABLE "LiteLLM_BudgetTable" (
    budget_id text PRIMARY KEY, max_budget double precision, soft_budget double precision, max_parallel_requests integer,
    tpm_limit bigint, rpm_limit bigint, model_max_budget jsonb, budget_duration text, budget_reset_at timestamp(3),
    created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_OrganizationTable" (
    organization_id text PRIMARY KEY, organization_alias text NOT NULL, budget_id text, metadata jsonb NOT NULL DEFAULT '{}',
    models text[], spend double precision NOT NULL DEFAULT 0, model_spend jsonb NOT NULL DEFAULT '{}',
    object_permission_id text, created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL DEFAULT 'admin'
);
CREATE TABLE "LiteLLM_TeamTable" (
    team_id text PRIMARY KEY, team_alias text, organization_id text, admins text[], members text[],
    members_with_roles jsonb NOT NULL DEFAULT '{}', metadata jsonb NOT NULL DEFAULT '{}', max_budget double precision,
    soft_budget double precision, spend double precision NOT NULL DEFAULT 0, models text[], max_parallel_requests integer,
    tpm_limit bigint, rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3),
    blocked boolean NOT NULL DEFAULT false, created_at timestamp(3) NOT NULL DEFAULT now(),
    model_max_budget jsonb NOT NULL DEFAULT '{}', budget_limits jsonb
);
CREATE TABLE "LiteLLM_UserTable" (
    user_id text PRIMARY KEY, user_alias text, team_id text, organization_id text, password text, teams text[] DEFAULT '{}',
    user_role text, max_budget double precision, spend double precision NOT NULL DEFAULT 0, user_email text, models text[],
    metadata jsonb NOT NULL DEFAULT '{}', max_parallel_requests integer, tpm_limit bigint, rpm_limit bigint,
    budget_duration text, budget_reset_at timestamp(3), created_at timestamp(3) DEFAULT now()
);
CREATE TABLE "LiteLLM_VerificationToken" (
    token text PRIMARY KEY, key_name text, key_alias text, soft_budget_cooldown boolean NOT NULL DEFAULT false,
    spend double precision NOT NULL DEFAULT 0, expires timestamp(3), models text[], aliases jsonb NOT NULL DEFAULT '{}',
    config jsonb NOT NULL DEFAULT '{}', user_id text, team_id text, permissions jsonb NOT NULL DEFAULT '{}',
    max_parallel_requests integer, metadata jsonb NOT NULL DEFAULT '{}', blocked boolean, tpm_limit bigint, rpm_limit bigint,
    max_budget double precision, budget_duration text, budget_reset_at timestamp(3), allowed_routes text[] DEFAULT '{}',
    model_max_budget jsonb NOT NULL DEFAULT '{}', budget_id text, organization_id text,
    created_at timestamp(3) DEFAULT now(), rotation_count integer DEFAULT 0, auto_rotate boolean DEFAULT false
);
CREATE TABLE "LiteLLM_DeprecatedVerificationToken" (
    id text PRIMARY KEY, token text NOT NULL, active_token_id text NOT NULL, revoke_at timestamp(3) NOT NULL
);
CREATE TABLE "LiteLLM_TeamMembership" (
    user_id text, team_id text, spend double precision NOT NULL DEFAULT 0, budget_id text, PRIMARY KEY (user_id, team_id)
);
CREATE TABLE "LiteLLM_EndUserTable" (
    user_id text PRIMARY KEY, alias text, spend double precision NOT NULL DEFAULT 0, allowed_model_region text,
    default_model text, budget_id text, blocked boolean NOT NULL DEFAULT false
);
CREATE TABLE "LiteLLM_TagTable" (
    tag_name text PRIMARY KEY, description text, models text[], model_info jsonb, spend double precision NOT NULL DEFAULT 0,
    budget_id text
);
CREATE TABLE "LiteLLM_ProxyModelTable" (model_id text PRIMARY KEY, model_name text, litellm_params jsonb);
CREATE TABLE "LiteLLM_AuditLog" (id text PRIMARY KEY);
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id text PRIMARY KEY, call_type text, api_key text NOT NULL DEFAULT '', spend double precision NOT NULL DEFAULT 0,
    total_tokens integer NOT NULL DEFAULT 0, prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0, "startTime" timestamp(3) NOT NULL, model text NOT NULL DEFAULT '',
    model_group text, custom_llm_provider text, "user" text, request_tags jsonb DEFAULT '[]', team_id text, end_user text,
    status text
);
CREATE TABLE "LiteLLM_DailyUserSpend" (
    id text PRIMARY KEY, user_id text, date text NOT NULL, api_key text NOT NULL, model text, model_group text,
    custom_llm_provider text, prompt_tokens bigint NOT NULL DEFAULT 0, completion_tokens bigint NOT NULL DEFAULT 0,
    spend double precision NOT NULL DEFAULT 0, api_requests bigint NOT NULL DEFAULT 0,
    successful_requests bigint NOT NULL DEFAULT 0, failed_requests bigint NOT NULL DEFAULT 0
);

INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, soft_budget, budget_duration, rpm_limit) VALUES
    ('b-org', 1000, 800, '30d', NULL), ('b-odd', 5, NULL, '14d', NULL), ('b-end', 0.5, NULL, '1d', 10);
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, spend) VALUES
    ('org-1', 'Research', 'b-org', 12.5);
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, members_with_roles, metadata, max_budget,
    budget_duration, budget_reset_at, spend, models, tpm_limit) VALUES
    ('team-1', 'Search', 'org-1', '[{"user_id": "ada", "role": "admin"}, {"user_id": "ghost", "role": "user"}]',
     '{"cost_center": "c1"}', 100, '30d', now() at time zone 'utc' + interval '2 days', 40.25, '{cheap,openai/*}', 100000),
    ('team-2', 'Search', NULL, '[]', '{"guardrails": ["pii"]}', NULL, NULL, NULL, 0, '{}', NULL);
INSERT INTO "LiteLLM_UserTable" (user_id, user_alias, user_email, user_role, teams, models) VALUES
    ('ada', 'Ada', 'ada@example.org', 'proxy_admin', '{team-1}', '{}'),
    ('bob', NULL, 'bob@example.org', 'internal_user', '{}', '{no-default-models}');
INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, team_id, user_id, models, max_budget, budget_duration,
    budget_reset_at, spend, rpm_limit, metadata, expires, blocked, allowed_routes, budget_id, model_max_budget) VALUES
    (encode(sha256('sk-issued-by-litellm-1'), 'hex'), 'sk-...lm-1', 'search-prod', 'team-1', 'ada', '{all-team-models}',
     10, '1d', now() at time zone 'utc' + interval '1 hour', 9.75, 60, '{"tags": ["prod"], "owner": "x"}', NULL, NULL, '{}', NULL,
     '{"gpt-4o": {"budget_limit": 3.5, "time_period": "30d"}}'),
    (encode(sha256('sk-issued-by-litellm-2'), 'hex'), 'sk-...lm-2', NULL, NULL, 'bob', '{}', NULL, NULL, NULL, 3, NULL, '{}',
     '2031-01-01', NULL, '{}', 'b-odd', '{}'),
    (encode(sha256('sk-blocked'), 'hex'), 'sk-...cked', 'old', NULL, NULL, '{}', NULL, NULL, NULL, 0, NULL, '{}', NULL, true, '{}',
     NULL, '{}'),
    (encode(sha256('sk-info-only'), 'hex'), 'sk-...only', 'reader', NULL, NULL, '{}', NULL, NULL, NULL, 0, NULL, '{}', NULL,
     NULL, '{info_routes}', NULL, '{}'),
    (encode(sha256('sk-of-last-month'), 'hex'), 'sk-...onth', 'stale', NULL, NULL, '{fast}', 2, '30d',
     now() at time zone 'utc' - interval '1 day', 2, NULL, '{}', NULL, NULL, '{}', NULL, '{}'),
    ('not-a-hash', 'x', 'broken', NULL, NULL, '{}', NULL, NULL, NULL, 0, NULL, '{}', NULL, NULL, '{}', NULL, '{}'),
    (encode(sha256('sk-session'), 'hex'), 'x', 'ui', 'litellm-dashboard', NULL, '{}', 1, NULL, NULL, 0, NULL, '{}', NULL, NULL,
     '{}', NULL, '{}');
INSERT INTO "LiteLLM_DeprecatedVerificationToken" VALUES
    ('d1', encode(sha256('sk-before-rotation'), 'hex'), encode(sha256('sk-issued-by-litellm-1'), 'hex'),
     now() at time zone 'utc' + interval '1 day');
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, budget_id) VALUES ('ada', 'team-1', NULL);
INSERT INTO "LiteLLM_EndUserTable" (user_id, spend, budget_id, blocked) VALUES ('customer-7', 0.25, 'b-end', false),
    ('banned', 0, NULL, true);
INSERT INTO "LiteLLM_TagTable" (tag_name, spend, budget_id) VALUES ('batch', 100, 'b-org');
INSERT INTO "LiteLLM_ProxyModelTable" VALUES ('m1', 'hidden', '{"model": "gAAAA"}');
INSERT INTO "LiteLLM_AuditLog" VALUES ('a1');
INSERT INTO "LiteLLM_SpendLogs" (request_id, api_key, spend, prompt_tokens, completion_tokens, "startTime", model, model_group,
    custom_llm_provider, "user", request_tags, team_id, status) VALUES
    ('r1', encode(sha256('sk-issued-by-litellm-1'), 'hex'), 0.1, 10, 5, '2026-03-01 10:05:00', 'gpt-4o', 'fast', 'azure', 'ada',
     '["prod"]', 'team-1', 'success'),
    ('r2', encode(sha256('sk-issued-by-litellm-1'), 'hex'), 0.2, 20, 6, '2026-03-01 10:59:59', 'gpt-4o', 'fast', 'azure', 'ada',
     '["prod"]', 'team-1', 'success'),
    ('r3', encode(sha256('sk-issued-by-litellm-1'), 'hex'), 0, 1, 0, '2026-03-01 11:00:00', 'gpt-4o', 'fast', 'azure', 'ada',
     '["prod"]', 'team-1', 'failure'),
    ('r4', 'a-key-that-is-gone', 1.5e-7, 3, 4, '2026-03-02 00:00:00', 'together_ai/x', '', 'together_ai', '', '[]', NULL, 'success');
INSERT INTO "LiteLLM_DailyUserSpend" (id, user_id, date, api_key, model, model_group, custom_llm_provider, prompt_tokens,
    completion_tokens, spend, api_requests, failed_requests) VALUES
    ('d1', 'ada', '2026-03-01', encode(sha256('sk-issued-by-litellm-1'), 'hex'), 'gpt-4o', 'fast', 'azure', 31, 11, 0.3, 3, 1),
    ('d2', 'ada', '2026-01-15', encode(sha256('sk-issued-by-litellm-1'), 'hex'), 'gpt-4o', 'fast', 'azure', 1000, 500, 7.25, 12, 2);
