/** What each operation of the API takes and answers. Generated from the deployment's OpenAPI document (build/client.ts); do not edit. */
export interface Operations {
  /** List the team's connected agents. */
  readonly "agent.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly agent_list: readonly ({ readonly agent_id: string; readonly agent_status: string; readonly is_draining: boolean; readonly agent_labels: readonly (string)[]; readonly last_heartbeat: string; readonly connected_at: string; readonly agent_version: string | null; readonly tool: string | null; readonly tool_version: string | null; readonly comfyui_version: string | null; readonly gpu_capacity: number; readonly gpu_type: string | null; readonly running_count: number; readonly running_tasks: readonly (string)[]; readonly current_task_id: string | null; readonly platform_arch: string | null; readonly sync_phase: string | null; readonly sync_detail: string | null; readonly sync_percent: number | null; readonly tasks_completed: number; readonly system_stats: { readonly comfyui_version?: string; readonly pytorch_version?: string; readonly os_type?: string; readonly gpu_devices?: readonly ({ readonly device_name: string; readonly device_type: string; readonly vram_total: number; readonly vram_free: number })[] } | null })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** List the team's connected agents through the runtime API. */
  readonly "agent.list_runtime": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly agent_list: readonly ({ readonly agent_id: string; readonly agent_status: string; readonly is_draining: boolean; readonly agent_labels: readonly (string)[]; readonly last_heartbeat: string; readonly connected_at: string; readonly agent_version: string | null; readonly tool: string | null; readonly tool_version: string | null; readonly comfyui_version: string | null; readonly gpu_capacity: number; readonly gpu_type: string | null; readonly running_count: number; readonly running_tasks: readonly (string)[]; readonly current_task_id: string | null; readonly platform_arch: string | null; readonly sync_phase: string | null; readonly sync_detail: string | null; readonly sync_percent: number | null; readonly tasks_completed: number; readonly system_stats: { readonly comfyui_version?: string; readonly pytorch_version?: string; readonly os_type?: string; readonly gpu_devices?: readonly ({ readonly device_name: string; readonly device_type: string; readonly vram_total: number; readonly vram_free: number })[] } | null })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read the audit log as lines, in the order of its chains. */
  readonly "audit.export": {
    readonly path: undefined;
    readonly query: { readonly operation?: string | undefined; readonly actor?: string | undefined; readonly subject?: string | undefined; readonly team_id?: string | undefined; readonly outcome?: string | undefined; readonly from?: string | undefined; readonly to?: string | undefined };
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** Read the audit log: administrators all of it, owners and admins their team's. */
  readonly "audit.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined; readonly operation?: string | undefined; readonly actor?: string | undefined; readonly subject?: string | undefined; readonly team_id?: string | undefined; readonly outcome?: string | undefined; readonly from?: string | undefined; readonly to?: string | undefined };
    readonly body: undefined;
    readonly answer: { readonly audit_list: readonly ({ readonly id: string; readonly created_at: string; readonly operation: string; readonly outcome: "done" | "refused"; readonly actor: string; readonly team_id: string | null; readonly subject: string | null; readonly address: string | null; readonly details: Readonly<Record<string, unknown>> })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read how the last backup and the last drill went, and when the next is due (administrators). */
  readonly "backup.read_status": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly backup_at: string | null; readonly backup_dir: string; readonly backup_keep: number; readonly next_due_at: string | null; readonly last_backup: { readonly id: string; readonly path: string; readonly bytes: number; readonly created_at: string; readonly files: number; readonly is_encrypted: boolean; readonly database: string; readonly signer: string } | null; readonly last_drill: { readonly backup_id: string | null; readonly drilled_at: string; readonly passed: boolean; readonly problems: readonly (string)[] } | null; readonly last_failure: { readonly failed_at: string; readonly problem: string } | null };
  };
  /** List what one has allowed clients. */
  readonly "consent.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly consent_list: readonly ({ readonly client_id: string; readonly client_name: string; readonly scope: string; readonly granted_at: string })[] };
  };
  /** Take back what one has allowed a client, and end its grants. */
  readonly "consent.revoke": {
    readonly path: { readonly client_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Define a container service. */
  readonly "container.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly service_slug?: unknown; readonly display_name?: unknown; readonly service_desc?: unknown; readonly service_type?: unknown; readonly docker_image?: unknown; readonly external_url?: unknown; readonly external_auth_credential_id?: unknown; readonly exposed_port?: unknown; readonly health_path?: unknown; readonly env_config?: unknown; readonly volume_config?: unknown; readonly required_labels?: unknown; readonly gpu_count?: unknown; readonly replica_count?: unknown; readonly usage_prompt?: unknown; readonly openapi_url?: unknown };
    readonly answer: { readonly id: string };
  };
  /** Delete a container service. */
  readonly "container.delete": {
    readonly path: { readonly service_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Run a container service on the team's agents. */
  readonly "container.deploy": {
    readonly path: { readonly service_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly service_status: "created" | "deploying" | "running" | "stopping" | "stopped" | "failed" };
  };
  /** Call a running container service; what it answers comes as a document. */
  readonly "container.invoke": {
    readonly path: { readonly service_slug: string };
    readonly query: undefined;
    readonly body: { readonly method: string; readonly path: string; readonly body_base64?: string; readonly headers?: Readonly<Record<string, string>> };
    readonly answer: { readonly status_code: number; readonly headers: Readonly<Record<string, string>>; readonly body_base64: string };
  };
  /** List the team's container services. */
  readonly "container.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly service_list: readonly ({ readonly id: string; readonly service_slug: string; readonly display_name: string; readonly service_desc: string; readonly service_type: string; readonly docker_image: string | null; readonly external_url: string | null; readonly exposed_port: number; readonly health_path: string; readonly env_config: readonly ({ readonly env_name: string; readonly env_value: string })[]; readonly volume_config: readonly ({ readonly host_path: string; readonly container_path: string })[]; readonly required_labels: readonly (string)[]; readonly gpu_count: number; readonly replica_count: number; readonly usage_prompt: string; readonly openapi_url: string | null; readonly service_status: "created" | "deploying" | "running" | "stopping" | "stopped" | "failed"; readonly created_at: string; readonly updated_at: string; readonly replicas: readonly ({ readonly replica_index: number; readonly agent_id: string | null; readonly replica_state: string; readonly detail: string | null })[] })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** List the team's container services through the runtime API. */
  readonly "container.list_runtime": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly service_list: readonly ({ readonly id: string; readonly service_slug: string; readonly display_name: string; readonly service_desc: string; readonly service_type: string; readonly service_status: "created" | "deploying" | "running" | "stopping" | "stopped" | "failed"; readonly exposed_port: number; readonly usage_prompt: string; readonly openapi_url: string | null; readonly service_url: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read a container service and how its replicas do. */
  readonly "container.read": {
    readonly path: { readonly service_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly service_slug: string; readonly display_name: string; readonly service_desc: string; readonly service_type: string; readonly docker_image: string | null; readonly external_url: string | null; readonly exposed_port: number; readonly health_path: string; readonly env_config: readonly ({ readonly env_name: string; readonly env_value: string })[]; readonly volume_config: readonly ({ readonly host_path: string; readonly container_path: string })[]; readonly required_labels: readonly (string)[]; readonly gpu_count: number; readonly replica_count: number; readonly usage_prompt: string; readonly openapi_url: string | null; readonly service_status: "created" | "deploying" | "running" | "stopping" | "stopped" | "failed"; readonly created_at: string; readonly updated_at: string; readonly replicas: readonly ({ readonly replica_index: number; readonly agent_id: string | null; readonly replica_state: string; readonly detail: string | null })[] };
  };
  /** Read a container service by its slug through the runtime API. */
  readonly "container.read_by_slug": {
    readonly path: { readonly service_slug: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly service_slug: string; readonly display_name: string; readonly service_desc: string; readonly service_type: string; readonly service_status: "created" | "deploying" | "running" | "stopping" | "stopped" | "failed"; readonly exposed_port: number; readonly usage_prompt: string; readonly openapi_url: string | null; readonly service_url: string };
  };
  /** Stop a container service. */
  readonly "container.stop": {
    readonly path: { readonly service_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly service_status: "created" | "deploying" | "running" | "stopping" | "stopped" | "failed" };
  };
  /** Change the definition of a container service. */
  readonly "container.update": {
    readonly path: { readonly service_id: string };
    readonly query: undefined;
    readonly body: { readonly service_slug?: unknown; readonly display_name?: unknown; readonly service_desc?: unknown; readonly service_type?: unknown; readonly docker_image?: unknown; readonly external_url?: unknown; readonly external_auth_credential_id?: unknown; readonly exposed_port?: unknown; readonly health_path?: unknown; readonly env_config?: unknown; readonly volume_config?: unknown; readonly required_labels?: unknown; readonly gpu_count?: unknown; readonly replica_count?: unknown; readonly usage_prompt?: unknown; readonly openapi_url?: unknown };
    readonly answer: { readonly id: string };
  };
  /** Create an integration or agent key; the secret is shown once. */
  readonly "credential.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly kind: string; readonly display_name: string; readonly expires_in_days?: number; readonly scopes?: readonly (string)[]; readonly allowed_cidrs?: readonly (string)[] };
    readonly answer: { readonly id: string; readonly kind: string; readonly key_prefix: string; readonly raw_key: string };
  };
  /** List the team's credentials. */
  readonly "credential.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined; readonly kind?: string | undefined };
    readonly body: undefined;
    readonly answer: { readonly credentials: readonly ({ readonly id: string; readonly kind: string; readonly display_name: string; readonly key_prefix: string; readonly user_id: string | null; readonly key_status: string; readonly scopes: readonly (string)[] | null; readonly allowed_cidrs: readonly (string)[] | null; readonly previous_key_expires_at: string | null; readonly created_at: string; readonly last_used_at: string | null; readonly expires_at: string | null })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Revoke a credential for good. */
  readonly "credential.revoke": {
    readonly path: { readonly credential_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Make a new secret for a credential; the one before ends, at once or after an overlap. */
  readonly "credential.rotate": {
    readonly path: { readonly credential_id: string };
    readonly query: undefined;
    readonly body: { readonly overlap_seconds?: number };
    readonly answer: { readonly id: string; readonly kind: string; readonly key_prefix: string; readonly raw_key: string; readonly previous_key_expires_at: string | null };
  };
  /** List the own devices. */
  readonly "device.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly device_list: readonly ({ readonly id: string; readonly display_name: string; readonly key_prefix: string; readonly team_id: string; readonly team_name: string; readonly key_status: string; readonly created_at: string; readonly last_used_at: string | null; readonly is_current: boolean })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Revoke one of the own devices, with its agent key. */
  readonly "device.revoke": {
    readonly path: { readonly device_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Revoke the device that asks, with its agent key. */
  readonly "device.revoke_self": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Prove an address with the mailed link and the password; a sign-up ends with it. */
  readonly "email_verification.complete": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly verification_token: string; readonly user_password: string };
    readonly answer: { readonly is_success: true };
  };
  /** Ask for a mail that proves the own address. */
  readonly "email_verification.request": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_success: true };
  };
  /** Read what the lease of this role allows, and until when. */
  readonly "entitlements.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly state: string; readonly is_open: boolean; readonly reason: string; readonly next_step: string; readonly since: string | null; readonly grace_ends_at: string | null; readonly license: { readonly license_id: string; readonly deployment_id: string; readonly customer_name: string; readonly template: string; readonly sequence: number; readonly expires_at: string | null } | null; readonly features: { readonly global: Readonly<Record<string, boolean>>; readonly account: Readonly<Record<string, boolean>>; readonly team: Readonly<Record<string, boolean>> }; readonly quotas: { readonly global: Readonly<Record<string, number>>; readonly account: Readonly<Record<string, number>>; readonly team: Readonly<Record<string, number>> } };
  };
  /** Sign what this site says of itself, for another site (administrators). */
  readonly "federation_bundle.export": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly days?: string | number };
    readonly answer: { readonly bundle: string; readonly fingerprint: string; readonly sequence: number; readonly expires_at: string };
  };
  /** Hand out the bundle of this site to sites that reach it. */
  readonly "federation_bundle.publish": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** Hand the signing keys to a site that they were exported to before, sealed to it. */
  readonly "federation_keys.pull": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly request: string };
    readonly answer: { readonly keys: string };
  };
  /** Say how this site stands among those that share its issuer identity (administrators). */
  readonly "federation_keys.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly standing: string; readonly state: string; readonly sequence: number; readonly leader: string | null; readonly known_until: string | null; readonly imported_at: string | null; readonly problem: string | null };
  };
  /** Link a person of a pinned site with an account here (administrators). */
  readonly "federation_person.link": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: { readonly subject: string; readonly user_id: string };
    readonly answer: undefined;
  };
  /** Pin another site by its fingerprint, with rules for its people (administrators). */
  readonly "federation_site.add": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly bundle: string; readonly fingerprint: string; readonly id?: string; readonly is_replica?: boolean; readonly audiences?: readonly (string)[]; readonly team_ids?: readonly (string)[] | null; readonly role?: string; readonly mapping?: string; readonly sign_in?: boolean; readonly refresh?: boolean };
    readonly answer: { readonly id: string; readonly shape: "circle" | "replica"; readonly site_name: string; readonly issuer: string; readonly api_url: string; readonly fingerprint: string; readonly state: "ok" | "expiring" | "expired"; readonly sequence: number; readonly expires_at: string; readonly imported_at: string; readonly checked_at: string | null; readonly problem: string | null; readonly key_ids: readonly (string)[]; readonly revoked_subjects: number; readonly rules: { readonly audiences: readonly (string)[]; readonly team_ids: readonly (string)[] | null; readonly role: string; readonly mapping: string; readonly sign_in: boolean; readonly refresh: boolean } };
  };
  /** Take a newer bundle of a pinned site; what it no longer says ends at once (administrators). */
  readonly "federation_site.import": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly bundle: string };
    readonly answer: { readonly id: string; readonly shape: "circle" | "replica"; readonly site_name: string; readonly issuer: string; readonly api_url: string; readonly fingerprint: string; readonly state: "ok" | "expiring" | "expired"; readonly sequence: number; readonly expires_at: string; readonly imported_at: string; readonly checked_at: string | null; readonly problem: string | null; readonly key_ids: readonly (string)[]; readonly revoked_subjects: number; readonly rules: { readonly audiences: readonly (string)[]; readonly team_ids: readonly (string)[] | null; readonly role: string; readonly mapping: string; readonly sign_in: boolean; readonly refresh: boolean } };
  };
  /** List the pinned sites and how their bundles stand (administrators). */
  readonly "federation_site.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly sites: readonly ({ readonly id: string; readonly shape: "circle" | "replica"; readonly site_name: string; readonly issuer: string; readonly api_url: string; readonly fingerprint: string; readonly state: "ok" | "expiring" | "expired"; readonly sequence: number; readonly expires_at: string; readonly imported_at: string; readonly checked_at: string | null; readonly problem: string | null; readonly key_ids: readonly (string)[]; readonly revoked_subjects: number; readonly rules: { readonly audiences: readonly (string)[]; readonly team_ids: readonly (string)[] | null; readonly role: string; readonly mapping: string; readonly sign_in: boolean; readonly refresh: boolean } })[] };
  };
  /** Read a pinned site and its rules (administrators). */
  readonly "federation_site.read": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly shape: "circle" | "replica"; readonly site_name: string; readonly issuer: string; readonly api_url: string; readonly fingerprint: string; readonly state: "ok" | "expiring" | "expired"; readonly sequence: number; readonly expires_at: string; readonly imported_at: string; readonly checked_at: string | null; readonly problem: string | null; readonly key_ids: readonly (string)[]; readonly revoked_subjects: number; readonly rules: { readonly audiences: readonly (string)[]; readonly team_ids: readonly (string)[] | null; readonly role: string; readonly mapping: string; readonly sign_in: boolean; readonly refresh: boolean } };
  };
  /** Shut a site out with everything that stands here on its word (administrators). */
  readonly "federation_site.remove": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly sessions: number; readonly accounts: number };
  };
  /** Change the rules for a pinned site (administrators). */
  readonly "federation_site.update": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: { readonly audiences?: readonly (string)[]; readonly team_ids?: readonly (string)[] | null; readonly role?: string; readonly mapping?: string; readonly sign_in?: boolean; readonly refresh?: boolean };
    readonly answer: { readonly id: string; readonly shape: "circle" | "replica"; readonly site_name: string; readonly issuer: string; readonly api_url: string; readonly fingerprint: string; readonly state: "ok" | "expiring" | "expired"; readonly sequence: number; readonly expires_at: string; readonly imported_at: string; readonly checked_at: string | null; readonly problem: string | null; readonly key_ids: readonly (string)[]; readonly revoked_subjects: number; readonly rules: { readonly audiences: readonly (string)[]; readonly team_ids: readonly (string)[] | null; readonly role: string; readonly mapping: string; readonly sign_in: boolean; readonly refresh: boolean } };
  };
  /** Read the fingerprint by which other sites know this one (administrators). */
  readonly "federation_site_key.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly fingerprint: string; readonly issuer: string; readonly api_url: string; readonly site_key: string };
  };
  /** Get a short token that is good at a pinned site. */
  readonly "federation_token.issue": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly site_id: string };
    readonly answer: { readonly access_token: string; readonly token_type: "Bearer"; readonly expires_in: number; readonly api_url: string };
  };
  /** Fetch a file; the link is the credential. */
  readonly "file.open": {
    readonly path: { readonly file_id: string };
    readonly query: { readonly expires: string; readonly signature: string };
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** Announce an input file and get the link to send it by. */
  readonly "file.presign": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly file_name: string; readonly file_size: number; readonly content_type: string };
    readonly answer: { readonly file_key: string; readonly upload_url: string; readonly upload_headers: Readonly<Record<string, string>> };
  };
  /** Get a link to fetch a file of the team by. */
  readonly "file.presign_download": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly file_key: string };
    readonly answer: { readonly download_url: string; readonly expires_at: string };
  };
  /** Send an announced file; the link is the credential. */
  readonly "file.receive": {
    readonly path: { readonly file_id: string };
    readonly query: { readonly expires: string; readonly signature: string };
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Make a single-use token by which a client may register itself (administrators). */
  readonly "initial_access_token.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly life_seconds?: number };
    readonly answer: { readonly initial_access_token: string; readonly expires_at: string };
  };
  /** Accept an invitation with the account of the invited address. */
  readonly "invitation.accept": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly invitation_token: string };
    readonly answer: { readonly team_id: string; readonly role: string };
  };
  /** Take an invitation back. */
  readonly "invitation.cancel": {
    readonly path: { readonly invitation_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Say what an invitation's token is an invitation to. */
  readonly "invitation.check": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly invitation_token: string };
    readonly answer: { readonly team_display_name: string; readonly email_address: string; readonly invitation_role: string; readonly expires_at: string };
  };
  /** Invite an address into the team with a role; the token is shown once where no mail is sent. */
  readonly "invitation.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly email_address: string; readonly invitation_role: string };
    readonly answer: { readonly id: string; readonly invitation_token?: string; readonly invitation_url?: string };
  };
  /** Decline an invitation by its token. */
  readonly "invitation.decline": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly invitation_token: string };
    readonly answer: { readonly is_success: true };
  };
  /** List the team's invitations that nobody has answered. */
  readonly "invitation.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly invitation_list: readonly ({ readonly id: string; readonly email_address: string; readonly invitation_role: string; readonly invited_by: string; readonly created_at: string; readonly expires_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Make the account of an invited address and accept, also without self-service sign-up. */
  readonly "invitation.sign_up": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly invitation_token: string; readonly first_name: string; readonly last_name: string; readonly user_password: string };
    readonly answer: { readonly user_id: string; readonly email_address: string; readonly team_id: string; readonly role: string };
  };
  /** Have the License Server read its file again (administrators). */
  readonly "license.request_reload": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_success: true };
  };
  /** Have the License Server say what a license file would do (administrators). */
  readonly "license.request_test": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly license_file: string };
    readonly answer: { readonly outcome: string; readonly refusal: string | null; readonly message: string; readonly state: string; readonly license: { readonly license_id: string; readonly deployment_id: string; readonly template: string; readonly sequence: number; readonly not_before: string | null; readonly expires_at: string | null } | null; readonly differences: readonly ({ readonly key: string; readonly from: string | number | boolean | null; readonly to: string | number | boolean | null })[]; readonly warnings: readonly (string)[] };
  };
  /** Hand a license file to the License Server (administrators). */
  readonly "license.upload": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly license_file: string };
    readonly answer: { readonly is_success: true };
  };
  /** List the team's members. */
  readonly "member.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly member_list: readonly ({ readonly user_id: string; readonly first_name: string; readonly last_name: string; readonly display_name: string; readonly email_address: string; readonly role: string; readonly created_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Remove a member with the devices that spoke for them, or leave. */
  readonly "member.remove": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Give another member another role. */
  readonly "member.set_role": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: { readonly role: string };
    readonly answer: { readonly is_success: true };
  };
  /** List the own memberships with the role in each. */
  readonly "membership.list_own": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly membership_list: readonly ({ readonly team_id: string; readonly display_name: string; readonly role: string; readonly created_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** List the own notifications. */
  readonly "notification.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined; readonly unread?: "true" | "false" | undefined };
    readonly body: undefined;
    readonly answer: { readonly notification_list: readonly ({ readonly id: string; readonly kind: string; readonly title: string; readonly message: string; readonly content: { readonly kind: string }; readonly created_at: string; readonly read_at: string | null })[]; readonly unread_count: number; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Mark a notification as read. */
  readonly "notification.read": {
    readonly path: { readonly notification_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_success: true };
  };
  /** Mark all of the own notifications as read. */
  readonly "notification.read_all": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly read: number };
  };
  /** Register an OIDC client (administrators); its secret is shown once. */
  readonly "oidc_client.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: Readonly<Record<string, unknown>>;
    readonly answer: { readonly client: { readonly client_id: string; readonly client_name: string; readonly redirect_uris: readonly (string)[]; readonly grant_types: readonly (string)[]; readonly scope: string; readonly token_endpoint_auth_method: string; readonly is_first_party: boolean; readonly is_dynamic: boolean; readonly is_disabled: boolean; readonly created_at: string; readonly updated_at: string }; readonly client_secret?: string };
  };
  /** Delete an OIDC client with its grants and tokens (administrators). */
  readonly "oidc_client.delete": {
    readonly path: { readonly client_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** List the OIDC clients (administrators). */
  readonly "oidc_client.list": {
    readonly path: undefined;
    readonly query: { readonly after?: string | undefined };
    readonly body: undefined;
    readonly answer: { readonly clients: readonly ({ readonly client_id: string; readonly client_name: string; readonly redirect_uris: readonly (string)[]; readonly grant_types: readonly (string)[]; readonly scope: string; readonly token_endpoint_auth_method: string; readonly is_first_party: boolean; readonly is_dynamic: boolean; readonly is_disabled: boolean; readonly created_at: string; readonly updated_at: string })[]; readonly next?: string };
  };
  /** Read what is registered about an OIDC client (administrators). */
  readonly "oidc_client.read": {
    readonly path: { readonly client_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly client_id: string; readonly client_name: string; readonly redirect_uris: readonly (string)[]; readonly grant_types: readonly (string)[]; readonly scope: string; readonly token_endpoint_auth_method: string; readonly is_first_party: boolean; readonly is_dynamic: boolean; readonly is_disabled: boolean; readonly created_at: string; readonly updated_at: string };
  };
  /** Make a new secret for an OIDC client; the old one overlaps (administrators). */
  readonly "oidc_client.rotate_secret": {
    readonly path: { readonly client_id: string };
    readonly query: undefined;
    readonly body: { readonly overlap_seconds?: number };
    readonly answer: { readonly client_secret: string; readonly overlap_seconds: number };
  };
  /** Change or disable an OIDC client (administrators). */
  readonly "oidc_client.update": {
    readonly path: { readonly client_id: string };
    readonly query: undefined;
    readonly body: { readonly is_disabled?: boolean };
    readonly answer: { readonly client: { readonly client_id: string; readonly client_name: string; readonly redirect_uris: readonly (string)[]; readonly grant_types: readonly (string)[]; readonly scope: string; readonly token_endpoint_auth_method: string; readonly is_first_party: boolean; readonly is_dynamic: boolean; readonly is_disabled: boolean; readonly created_at: string; readonly updated_at: string }; readonly client_secret?: string };
  };
  /** Pair a device with oneself and a team. */
  readonly "pairing.confirm": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly user_code: string; readonly device_name?: string };
    readonly answer: undefined;
  };
  /** Hand a paired device its keys, once. */
  readonly "pairing.poll": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly device_code: string };
    readonly answer: { readonly status: string; readonly raw_key?: string; readonly agent_key?: string };
  };
  /** Note that a desktop or a command line asks to be paired. */
  readonly "pairing.start": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly device_code: string; readonly user_code: string; readonly verification_uri: string; readonly expires_in: number; readonly interval: number };
  };
  /** Add the passkey that the browser made; with the first, recovery codes are shown once. */
  readonly "passkey.add": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly display_name: string; readonly credential: Readonly<Record<string, unknown>> };
    readonly answer: { readonly passkey: { readonly id: string; readonly display_name: string; readonly created_at: string; readonly last_used_at: string | null; readonly is_synced: boolean; readonly status: string }; readonly recovery_codes: readonly (string)[] | null };
  };
  /** Get the question that a passkey answers to prove that its owner is there. */
  readonly "passkey.begin_proof": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: Readonly<Record<string, unknown>>;
  };
  /** Begin to add a passkey, with the password or another passkey. */
  readonly "passkey.enrol": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly current_password?: string; readonly passkey?: Readonly<Record<string, unknown>> };
    readonly answer: Readonly<Record<string, unknown>>;
  };
  /** List the own passkeys. */
  readonly "passkey.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly passkey_list: readonly ({ readonly id: string; readonly display_name: string; readonly created_at: string; readonly last_used_at: string | null; readonly is_synced: boolean; readonly status: string })[] };
  };
  /** Remove one of the own passkeys, with the password or a passkey. */
  readonly "passkey.remove": {
    readonly path: { readonly passkey_id: string };
    readonly query: undefined;
    readonly body: { readonly current_password?: string; readonly passkey?: Readonly<Record<string, unknown>> };
    readonly answer: undefined;
  };
  /** Use a password link; every session of the account ends. */
  readonly "password_reset.complete": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly reset_token: string; readonly new_password: string };
    readonly answer: { readonly is_success: true };
  };
  /** Make a link for somebody to choose a new password (administrators). */
  readonly "password_reset.create_link": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly email_address: string };
    readonly answer: { readonly reset_url: string; readonly expires_at: string };
  };
  /** Ask for a mail with a link to choose a new password. */
  readonly "password_reset.request": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly email_address: string };
    readonly answer: { readonly is_success: true };
  };
  /** Read caps and use: of the own account, of the team, for administrators of the deployment. */
  readonly "quota.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly quota_list: readonly ({ readonly namespace: string; readonly key: string; readonly limit: number; readonly used: number | null })[] };
  };
  /** End an enrolment with a first code; recovery codes are shown once. */
  readonly "second_factor.confirm": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly code: string };
    readonly answer: { readonly recovery_codes: readonly (string)[] };
  };
  /** Begin to enrol an authenticator; its secret is shown once. */
  readonly "second_factor.enrol": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly current_password: string };
    readonly answer: { readonly secret: string; readonly otpauth_url: string };
  };
  /** Say whether the own account has a second factor. */
  readonly "second_factor.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_enrolled: boolean; readonly is_locked: boolean; readonly recovery_codes_left: number };
  };
  /** Remove the own second factor. */
  readonly "second_factor.remove": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly current_password: string; readonly code: string };
    readonly answer: undefined;
  };
  /** Make new recovery codes; the old ones end. */
  readonly "second_factor.renew_codes": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly current_password: string; readonly code: string };
    readonly answer: { readonly recovery_codes: readonly (string)[] };
  };
  /** Remove somebody's second factor (administrators). */
  readonly "second_factor.reset": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** End a sign-in with the second factor. */
  readonly "session.complete": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly step_token: string; readonly code?: string; readonly passkey?: Readonly<Record<string, unknown>> };
    readonly answer: { readonly access_token: string; readonly refresh_token: string; readonly expires_in: number };
  };
  /** Sign in with email address and password, or begin to where there is a second factor. */
  readonly "session.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly email_address: string; readonly user_password: string };
    readonly answer: { readonly access_token: string; readonly refresh_token: string; readonly expires_in: number };
  };
  /** Sign out. */
  readonly "session.end": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** End all of the own sessions but the one at hand. */
  readonly "session.end_others": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly ended: number };
  };
  /** End one of the own sessions. */
  readonly "session.end_own": {
    readonly path: { readonly session_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** See where one is signed in. */
  readonly "session.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly session_list: readonly ({ readonly id: string; readonly kind: string; readonly created_at: string; readonly refreshed_at: string | null; readonly expires_at: string; readonly address: string | null; readonly amr: readonly (string)[]; readonly is_current: boolean })[] };
  };
  /** Exchange a refresh token for new tokens. */
  readonly "session.refresh": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly refresh_token: string };
    readonly answer: { readonly access_token: string; readonly refresh_token: string; readonly expires_in: number };
  };
  /** Sign up with email address and password. */
  readonly "sign_up.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly first_name: string; readonly last_name: string; readonly email_address: string; readonly user_password: string };
    readonly answer: { readonly next_step: "verify_email" | "sign_in" };
  };
  /** List the issuer's signing keys of every state (administrators). */
  readonly "signing_key.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly signing_keys: readonly ({ readonly kid: string; readonly alg: string; readonly key_status: string; readonly created_at: string; readonly active_from: string; readonly retired_at: string | null; readonly published_until: string | null; readonly revoked_at: string | null })[] };
  };
  /** Refuse everything that a signing key has signed, from now on (administrators). */
  readonly "signing_key.revoke": {
    readonly path: { readonly kid: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly kid: string; readonly revoked_at: string; readonly successor: string | null };
  };
  /** Have the next signing keys sign, as soon as verifiers know them or at once (administrators). */
  readonly "signing_key.rotate": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly is_now?: boolean };
    readonly answer: { readonly changes: readonly ({ readonly alg: string; readonly kid: string; readonly active_from: string; readonly retires: string | null })[] };
  };
  /** See what runs where, how it does, and what is missing (administrators). */
  readonly "system.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly version: string; readonly started_at: string; readonly role_list: readonly (string)[]; readonly store_engine: string; readonly lease: { readonly server: string | null; readonly age_seconds: number | null; readonly next_refresh_at: string | null }; readonly license_server_list: readonly ({ readonly address: string; readonly outcome: string; readonly reason: string | null; readonly asked_at: string | null })[]; readonly address_list: readonly ({ readonly role: string; readonly url: string })[]; readonly check_list: readonly ({ readonly name: string; readonly check_status: string; readonly message: string; readonly hint: string | null })[] };
  };
  /** Cancel a task. */
  readonly "task.cancel": {
    readonly path: { readonly task_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_success: true };
  };
  /** Follow the events of a task. */
  readonly "task.follow": {
    readonly path: { readonly task_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: unknown;
  };
  /** List the tasks of the team. */
  readonly "task.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined; readonly status?: string | undefined; readonly workflow_id?: string | undefined };
    readonly body: undefined;
    readonly answer: { readonly task_list: readonly ({ readonly id: string; readonly workflow_id: string; readonly workflow_slug: string; readonly workflow_version: number; readonly created_via: string; readonly task_status: string; readonly waiting_reason: { readonly code: string; readonly message: string } | null; readonly parameters: Readonly<Record<string, unknown>>; readonly created_at: string; readonly started_at: string | null; readonly completed_at: string | null; readonly task_error: string | null; readonly attempt: number; readonly retry_count: number; readonly agent_id: string | null; readonly agent_labels: readonly (string)[]; readonly gateway_id: string | null; readonly gpu_type: string | null; readonly dispatch_target: string; readonly target_pool: string; readonly tool_type: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read a task of the team. */
  readonly "task.read": {
    readonly path: { readonly task_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly workflow_id: string; readonly workflow_slug: string; readonly workflow_version: number; readonly created_via: string; readonly task_status: string; readonly waiting_reason: { readonly code: string; readonly message: string } | null; readonly parameters: Readonly<Record<string, unknown>>; readonly created_at: string; readonly started_at: string | null; readonly completed_at: string | null; readonly task_error: string | null; readonly attempt: number; readonly retry_count: number; readonly agent_id: string | null; readonly agent_labels: readonly (string)[]; readonly gateway_id: string | null; readonly gpu_type: string | null; readonly dispatch_target: string; readonly target_pool: string; readonly tool_type: string };
  };
  /** Read what came of a task. */
  readonly "task.read_result": {
    readonly path: { readonly task_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly task_status: string; readonly task_output: unknown; readonly download_url: string | null; readonly download_urls: Readonly<Record<string, string>> | null; readonly expires_at: string | null; readonly task_error: string | null; readonly completed_at: string | null };
  };
  /** Run a workflow by its id. */
  readonly "task.run": {
    readonly path: { readonly workflow_id: string };
    readonly query: undefined;
    readonly body: { readonly parameters?: Readonly<Record<string, unknown>>; readonly dispatch_target?: string; readonly target_pool?: string; readonly submitter_region?: string; readonly tool_type?: string };
    readonly answer: { readonly task_id: string };
  };
  /** Run a workflow by its slug, or an earlier version of it. */
  readonly "task.run_by_slug": {
    readonly path: { readonly workflow_slug: string };
    readonly query: undefined;
    readonly body: { readonly parameters?: Readonly<Record<string, unknown>>; readonly dispatch_target?: string; readonly target_pool?: string; readonly submitter_region?: string; readonly tool_type?: string };
    readonly answer: { readonly task_id: string };
  };
  /** Create a team and own it. */
  readonly "team.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly display_name: string };
    readonly answer: { readonly id: string };
  };
  /** Delete the team with everything it owns; its keys end at once. */
  readonly "team.delete": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** List the teams one belongs to. */
  readonly "team.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly team_list: readonly ({ readonly id: string; readonly display_name: string; readonly role: string; readonly created_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** List all teams of the deployment (administrators). */
  readonly "team.list_all": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly team_list: readonly ({ readonly id: string; readonly display_name: string; readonly owner_id: string | null; readonly owner_email_address: string | null; readonly member_count: number; readonly created_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read the team one speaks in. */
  readonly "team.read": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly display_name: string; readonly role: string; readonly owner_id: string; readonly member_count: number; readonly created_at: string };
  };
  /** Hand the team on to another member; the old owner becomes an admin. */
  readonly "team.transfer": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly new_owner_id: string };
    readonly answer: { readonly is_success: true };
  };
  /** Give the team another name. */
  readonly "team.update": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly display_name: string };
    readonly answer: { readonly id: string };
  };
  /** Close the tunnels to an agent, or one of them. */
  readonly "tunnel.close": {
    readonly path: { readonly agent_id: string };
    readonly query: { readonly session_id?: string | undefined };
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Open a tunnel to a port of a connected agent. */
  readonly "tunnel.open": {
    readonly path: { readonly agent_id: string };
    readonly query: undefined;
    readonly body: { readonly target_port?: number; readonly tunnel_protocol?: "http" | "tcp"; readonly expires_in?: number };
    readonly answer: { readonly session_id: string; readonly tunnel_url: string; readonly admin_token: string; readonly tunnel_protocol: string; readonly expires_at: string };
  };
  /** See the tunnels to an agent that are open. */
  readonly "tunnel.read": {
    readonly path: { readonly agent_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_active: boolean; readonly session_id: string; readonly tunnel_url: string; readonly tunnel_list: readonly ({ readonly session_id: string; readonly tunnel_url: string; readonly target_port: number; readonly tunnel_protocol: string; readonly created_at: string; readonly expires_at: string; readonly bytes_in: number; readonly bytes_out: number; readonly last_used_at: string | null })[] };
  };
  /** List the providers' sign-ins that lead to the own account. */
  readonly "upstream_identity.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly identities: readonly ({ readonly id: string; readonly provider: string | null; readonly issuer: string; readonly email_address: string | null; readonly created_at: string; readonly last_used_at: string })[] };
  };
  /** Remove one of them, but not the last way in. */
  readonly "upstream_identity.remove": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Add a provider by which people sign in (administrators). */
  readonly "upstream_provider.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly id: string; readonly client_secret?: string };
    readonly answer: { readonly id: string; readonly display_name: string; readonly issuer: string; readonly client_id: string; readonly token_endpoint_auth_method: string; readonly scope: string; readonly provisioning: string; readonly allowed_domains: readonly (string)[]; readonly source: string; readonly is_disabled: boolean; readonly has_secret: boolean; readonly redirect_uri: string; readonly created_at: string | null; readonly updated_at: string | null };
  };
  /** Delete a sign-in provider (administrators). */
  readonly "upstream_provider.delete": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** List the sign-in providers (administrators). */
  readonly "upstream_provider.list": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly providers: readonly ({ readonly id: string; readonly display_name: string; readonly issuer: string; readonly client_id: string; readonly token_endpoint_auth_method: string; readonly scope: string; readonly provisioning: string; readonly allowed_domains: readonly (string)[]; readonly source: string; readonly is_disabled: boolean; readonly has_secret: boolean; readonly redirect_uri: string; readonly created_at: string | null; readonly updated_at: string | null })[] };
  };
  /** Read what is set about a sign-in provider (administrators). */
  readonly "upstream_provider.read": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly display_name: string; readonly issuer: string; readonly client_id: string; readonly token_endpoint_auth_method: string; readonly scope: string; readonly provisioning: string; readonly allowed_domains: readonly (string)[]; readonly source: string; readonly is_disabled: boolean; readonly has_secret: boolean; readonly redirect_uri: string; readonly created_at: string | null; readonly updated_at: string | null };
  };
  /** Change or disable a sign-in provider (administrators). */
  readonly "upstream_provider.update": {
    readonly path: { readonly id: string };
    readonly query: undefined;
    readonly body: { readonly client_secret?: string; readonly is_disabled?: boolean };
    readonly answer: { readonly id: string; readonly display_name: string; readonly issuer: string; readonly client_id: string; readonly token_endpoint_auth_method: string; readonly scope: string; readonly provisioning: string; readonly allowed_domains: readonly (string)[]; readonly source: string; readonly is_disabled: boolean; readonly has_secret: boolean; readonly redirect_uri: string; readonly created_at: string | null; readonly updated_at: string | null };
  };
  /** Exchange the code that follows a sign-in at a provider for a session. */
  readonly "upstream_sign_in.exchange": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly code: string; readonly code_verifier?: string };
    readonly answer: { readonly access_token: string; readonly refresh_token: string; readonly expires_in: number };
  };
  /** Change the own password; every other session ends. */
  readonly "user.change_password": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly current_password: string; readonly new_password: string };
    readonly answer: { readonly is_success: true };
  };
  /** Create an account and a link by which its person chooses a password (administrators). */
  readonly "user.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly email_address: string; readonly first_name: string; readonly last_name: string; readonly is_administrator?: boolean };
    readonly answer: { readonly id: string; readonly reset_url: string; readonly expires_at: string };
  };
  /** Delete an account with everything that stands for its person (administrators). */
  readonly "user.delete": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Shut an account and end its sessions (administrators). */
  readonly "user.disable": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_success: true };
  };
  /** Open a disabled account again (administrators). */
  readonly "user.enable": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly is_success: true };
  };
  /** List the accounts of the deployment (administrators). */
  readonly "user.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined; readonly search?: string | undefined };
    readonly body: undefined;
    readonly answer: { readonly user_list: readonly ({ readonly id: string; readonly email_address: string; readonly first_name: string; readonly last_name: string; readonly display_name: string; readonly is_administrator: boolean; readonly email_verified: boolean; readonly user_status: string; readonly created_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read an account (administrators). */
  readonly "user.read": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly email_address: string; readonly first_name: string; readonly last_name: string; readonly display_name: string; readonly is_administrator: boolean; readonly email_verified: boolean; readonly user_status: string; readonly created_at: string };
  };
  /** Read the own profile with its feature flags. */
  readonly "user.read_self": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly first_name: string; readonly last_name: string; readonly display_name: string; readonly email_address: string; readonly is_administrator: boolean; readonly team_list: readonly ({ readonly id: string; readonly display_name: string })[]; readonly feature_flags: { readonly global: { readonly features: Readonly<Record<string, boolean>>; readonly quotas: Readonly<Record<string, number>> }; readonly account: { readonly features: Readonly<Record<string, boolean>>; readonly quotas: Readonly<Record<string, number>> }; readonly teams: Readonly<Record<string, { readonly features: Readonly<Record<string, boolean>>; readonly quotas: Readonly<Record<string, number>> }>> } };
  };
  /** Change an account's names, and whether it is an administrator (administrators). */
  readonly "user.update": {
    readonly path: { readonly user_id: string };
    readonly query: undefined;
    readonly body: { readonly first_name?: string; readonly last_name?: string; readonly display_name?: string; readonly is_administrator?: boolean };
    readonly answer: { readonly is_success: true };
  };
  /** Change the own names. */
  readonly "user.update_self": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly first_name?: string; readonly last_name?: string; readonly display_name?: string };
    readonly answer: { readonly id: string };
  };
  /** Have an address called on the team's events; the signing secret is shown once. */
  readonly "webhook.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly display_name?: unknown; readonly webhook_url?: unknown; readonly webhook_events?: unknown };
    readonly answer: { readonly id: string; readonly webhook_secret: string };
  };
  /** Delete a webhook with its deliveries. */
  readonly "webhook.delete": {
    readonly path: { readonly webhook_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** List the team's webhooks. */
  readonly "webhook.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly webhook_list: readonly ({ readonly id: string; readonly display_name: string; readonly webhook_url: string; readonly webhook_secret: null; readonly webhook_secret_prefix: string; readonly previous_secret_expires_at: string | null; readonly webhook_events: readonly (string)[]; readonly webhook_status: "active" | "disabled"; readonly disabled_reason: string | null; readonly failing_since: string | null; readonly created_at: string; readonly updated_at: string; readonly last_delivered_at: string | null })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read a webhook of the team, without its secret. */
  readonly "webhook.read": {
    readonly path: { readonly webhook_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly display_name: string; readonly webhook_url: string; readonly webhook_secret: null; readonly webhook_secret_prefix: string; readonly previous_secret_expires_at: string | null; readonly webhook_events: readonly (string)[]; readonly webhook_status: "active" | "disabled"; readonly disabled_reason: string | null; readonly failing_since: string | null; readonly created_at: string; readonly updated_at: string; readonly last_delivered_at: string | null };
  };
  /** Make a new signing secret for a webhook; the one before ends, at once or after an overlap. */
  readonly "webhook.rotate_secret": {
    readonly path: { readonly webhook_id: string };
    readonly query: undefined;
    readonly body: { readonly overlap_seconds?: number };
    readonly answer: { readonly webhook_secret: string; readonly previous_secret_expires_at: string | null };
  };
  /** Send a test call to a webhook. */
  readonly "webhook.test": {
    readonly path: { readonly webhook_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly delivery_id: string };
  };
  /** Change a webhook, disable it or enable it again. */
  readonly "webhook.update": {
    readonly path: { readonly webhook_id: string };
    readonly query: undefined;
    readonly body: { readonly display_name?: unknown; readonly webhook_url?: unknown; readonly webhook_events?: unknown; readonly webhook_status?: unknown };
    readonly answer: { readonly id: string };
  };
  /** List what a webhook was told, and how that went. */
  readonly "webhook_delivery.list": {
    readonly path: { readonly webhook_id: string };
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined; readonly delivery_status?: string | undefined };
    readonly body: undefined;
    readonly answer: { readonly delivery_list: readonly ({ readonly id: string; readonly webhook_id: string; readonly event_type: string; readonly task_id: string | null; readonly delivery_status: "pending" | "delivered" | "failed"; readonly attempt_count: number; readonly response_status: number | null; readonly next_attempt_at: string | null; readonly created_at: string; readonly delivered_at: string | null })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read a delivery with its attempts and the beginning of the last answer. */
  readonly "webhook_delivery.read": {
    readonly path: { readonly webhook_id: string; readonly delivery_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly webhook_id: string; readonly event_type: string; readonly task_id: string | null; readonly delivery_status: "pending" | "delivered" | "failed"; readonly attempt_count: number; readonly response_status: number | null; readonly next_attempt_at: string | null; readonly created_at: string; readonly delivered_at: string | null; readonly attempts: readonly ({ readonly attempted_at: string; readonly response_status: number | null; readonly error: string | null })[]; readonly request_body: string; readonly response_body: string | null };
  };
  /** Send a delivery again. */
  readonly "webhook_delivery.replay": {
    readonly path: { readonly webhook_id: string; readonly delivery_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly delivery_id: string };
  };
  /** Send the deliveries of a time again. */
  readonly "webhook_delivery.replay_range": {
    readonly path: { readonly webhook_id: string };
    readonly query: undefined;
    readonly body: { readonly since: string; readonly until?: string; readonly delivery_status?: string };
    readonly answer: { readonly replayed: number; readonly next_since: string | null };
  };
  /** Create a workflow. */
  readonly "workflow.create": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly workflow_slug?: unknown; readonly display_name?: unknown; readonly description?: unknown; readonly tool_type?: unknown; readonly workflow_json?: unknown; readonly parameters?: unknown; readonly required_labels?: unknown; readonly task_timeout?: unknown; readonly max_retries?: unknown; readonly preferred_gpu?: unknown; readonly default_dispatch_target?: unknown; readonly min_vram_gb?: unknown; readonly required_models?: unknown };
    readonly answer: { readonly id: string };
  };
  /** Delete a workflow with its snapshots. */
  readonly "workflow.delete": {
    readonly path: { readonly workflow_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Create a workflow, or replace the one with the same slug. */
  readonly "workflow.import": {
    readonly path: undefined;
    readonly query: undefined;
    readonly body: { readonly workflow_slug?: unknown; readonly display_name?: unknown; readonly description?: unknown; readonly tool_type?: unknown; readonly workflow_json?: unknown; readonly parameters?: unknown; readonly required_labels?: unknown; readonly task_timeout?: unknown; readonly max_retries?: unknown; readonly preferred_gpu?: unknown; readonly default_dispatch_target?: unknown; readonly min_vram_gb?: unknown; readonly required_models?: unknown };
    readonly answer: { readonly id: string };
  };
  /** List the team's workflows. */
  readonly "workflow.list": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly workflow_list: readonly ({ readonly id: string; readonly workflow_slug: string; readonly display_name: string; readonly description: string; readonly tool_type: string; readonly workflow_status: string; readonly version: number; readonly created_at: string; readonly updated_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** List the team's workflows through the runtime API. */
  readonly "workflow.list_runtime": {
    readonly path: undefined;
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly workflow_list: readonly ({ readonly id: string; readonly workflow_slug: string; readonly display_name: string; readonly description: string; readonly tool_type: string; readonly workflow_status: string; readonly version: number; readonly created_at: string; readonly updated_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read a workflow of the team. */
  readonly "workflow.read": {
    readonly path: { readonly workflow_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly workflow_slug: string; readonly display_name: string; readonly description: string; readonly tool_type: string; readonly workflow_status: string; readonly version: number; readonly created_at: string; readonly updated_at: string };
  };
  /** Read a workflow of the team by its slug through the runtime API. */
  readonly "workflow.read_by_slug": {
    readonly path: { readonly workflow_slug: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly workflow_slug: string; readonly display_name: string; readonly description: string; readonly tool_type: string; readonly workflow_status: string; readonly version: number; readonly created_at: string; readonly updated_at: string };
  };
  /** Read a workflow of the team through the runtime API. */
  readonly "workflow.read_runtime": {
    readonly path: { readonly workflow_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly workflow_slug: string; readonly display_name: string; readonly description: string; readonly tool_type: string; readonly workflow_status: string; readonly version: number; readonly created_at: string; readonly updated_at: string };
  };
  /** Save a new version of a workflow. */
  readonly "workflow.update": {
    readonly path: { readonly workflow_id: string };
    readonly query: undefined;
    readonly body: { readonly workflow_slug?: unknown; readonly display_name?: unknown; readonly description?: unknown; readonly tool_type?: unknown; readonly workflow_json?: unknown; readonly parameters?: unknown; readonly required_labels?: unknown; readonly task_timeout?: unknown; readonly max_retries?: unknown; readonly preferred_gpu?: unknown; readonly default_dispatch_target?: unknown; readonly min_vram_gb?: unknown; readonly required_models?: unknown; readonly workflow_status?: string };
    readonly answer: { readonly id: string };
  };
  /** List the earlier versions of a workflow. */
  readonly "workflow_snapshot.list": {
    readonly path: { readonly workflow_id: string };
    readonly query: { readonly current_page?: number | undefined; readonly per_page?: number | undefined };
    readonly body: undefined;
    readonly answer: { readonly snapshot_list: readonly ({ readonly id: string; readonly workflow_id: string; readonly workflow_version: number; readonly snapshot_note: string; readonly created_at: string })[]; readonly page_meta: { readonly current_page: number; readonly per_page: number; readonly total_count: number } };
  };
  /** Read an earlier version of a workflow. */
  readonly "workflow_snapshot.read": {
    readonly path: { readonly workflow_id: string; readonly snapshot_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string; readonly workflow_id: string; readonly workflow_version: number; readonly snapshot_note: string; readonly created_at: string; readonly workflow_json?: Readonly<Record<string, unknown>>; readonly workflow_params: readonly (Readonly<Record<string, unknown>>)[] };
  };
  /** Put an earlier version of a workflow back as a new one. */
  readonly "workflow_snapshot.restore": {
    readonly path: { readonly workflow_id: string; readonly snapshot_id: string };
    readonly query: undefined;
    readonly body: undefined;
    readonly answer: { readonly id: string };
  };
}
