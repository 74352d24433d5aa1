//! The tables as diesel sees them; a test compares this file with what the migrations make.

diesel::table! {
    repositories (id) {
        id -> Text,
        name -> Text,
        url -> Text,
        chunk_bytes -> BigInt,
        status -> Text,
        status_reason -> Nullable<Text>,
        capacity_bytes -> Nullable<BigInt>,
        free_bytes -> Nullable<BigInt>,
        stored_bytes -> Nullable<BigInt>,
        virtual_bytes -> Nullable<BigInt>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    restore_points (id) {
        id -> Text,
        project_id -> Text,
        instance_id -> Text,
        instance_name -> Text,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        repository_id -> Text,
        mode -> Text,
        state -> Text,
        consistency -> Nullable<Text>,
        job_id -> Text,
        parent_id -> Nullable<Text>,
        virtual_bytes -> Nullable<BigInt>,
        read_bytes -> Nullable<BigInt>,
        new_bytes -> Nullable<BigInt>,
        stored_bytes -> Nullable<BigInt>,
        error_message -> Nullable<Text>,
        generation -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        plan_id -> Nullable<Text>,
        plan_run_id -> Nullable<Text>,
        pinned -> Bool,
        disks -> Nullable<Text>,
    }
}

diesel::table! {
    restore_point_disks (id) {
        id -> Text,
        point_id -> Text,
        device -> Text,
        kind -> Text,
        driver -> Text,
        size_bytes -> BigInt,
        read_bytes -> BigInt,
        new_bytes -> BigInt,
        stored_bytes -> BigInt,
    }
}

diesel::table! {
    restores (id) {
        id -> Text,
        project_id -> Text,
        point_id -> Text,
        job_id -> Text,
        target -> Text,
        state -> Text,
        error_message -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        result -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        project_id -> Text,
        kind -> Text,
        state -> Text,
        resource_id -> Text,
        repository_id -> Nullable<Text>,
        instance_id -> Nullable<Text>,
        spec -> Text,
        request_id -> Text,
        attempts -> BigInt,
        generation -> BigInt,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        done_bytes -> BigInt,
        total_bytes -> BigInt,
        rate_bytes_per_second -> Nullable<BigInt>,
        eta_seconds -> Nullable<BigInt>,
        error_kind -> Nullable<Text>,
        error_message -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        started_at -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    job_places (job_id) {
        job_id -> Text,
        hypervisor -> Nullable<Text>,
        storages -> Text,
    }
}

diesel::table! {
    job_steps (job_id, position) {
        job_id -> Text,
        position -> BigInt,
        name -> Text,
        state -> Text,
        output -> Nullable<Text>,
        started_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    job_events (id) {
        id -> BigInt,
        job_id -> Text,
        created_at -> Timestamp,
        level -> Text,
        action -> Text,
        detail -> Text,
    }
}

diesel::table! {
    bases (id) {
        id -> Text,
        instance_id -> Text,
        project_id -> Text,
        driver -> Text,
        location -> Text,
        snapshot_prefix -> Text,
        recorded_at -> Timestamp,
        checked_at -> Timestamp,
        missing_since -> Nullable<Timestamp>,
        refusal -> Nullable<Text>,
    }
}

diesel::table! {
    services (id) {
        id -> Text,
        kind -> Text,
        host -> Text,
        version -> Text,
        started_at -> Timestamp,
        heartbeat_at -> Timestamp,
        disabled -> Bool,
        disabled_reason -> Nullable<Text>,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        owner -> Nullable<Text>,
        generation -> BigInt,
        lease_until -> Timestamp,
        touched_at -> Timestamp,
    }
}

diesel::table! {
    plans (id) {
        id -> Text,
        project_id -> Text,
        user_id -> Text,
        trust_id -> Nullable<Text>,
        name -> Text,
        description -> Nullable<Text>,
        status -> Text,
        status_reason -> Nullable<Text>,
        instances -> Text,
        schedule -> Nullable<Text>,
        full_every -> BigInt,
        retention -> Text,
        consistency -> Text,
        excluded_disks -> Text,
        bandwidth_bytes_per_second -> Nullable<BigInt>,
        repository_id -> Nullable<Text>,
        scheduled_at -> Nullable<Timestamp>,
        next_run_at -> Nullable<Timestamp>,
        last_run_at -> Nullable<Timestamp>,
        last_run_status -> Nullable<Text>,
        revision -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    plan_runs (id) {
        id -> Text,
        plan_id -> Text,
        project_id -> Text,
        scheduled_at -> Timestamp,
        cause -> Text,
        state -> Text,
        message -> Nullable<Text>,
        missed -> BigInt,
        instances -> BigInt,
        refused -> BigInt,
        request_id -> Text,
        created_at -> Timestamp,
        started_at -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    plan_run_events (id) {
        id -> BigInt,
        run_id -> Text,
        created_at -> Timestamp,
        level -> Text,
        instance_id -> Nullable<Text>,
        job_id -> Nullable<Text>,
        detail -> Text,
    }
}

diesel::table! {
    named_locks (id) {
        id -> BigInt,
    }
}

diesel::table! {
    quotas (project_id, resource) {
        project_id -> Text,
        resource -> Text,
        hard_limit -> BigInt,
        updated_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(job_places, jobs);
diesel::allow_tables_to_appear_in_same_query!(jobs, restores);
diesel::allow_tables_to_appear_in_same_query!(jobs, restore_points);
