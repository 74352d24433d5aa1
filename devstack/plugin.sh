#!/bin/bash
#
# Dispatches the phases of DevStack to the functions of lib/firn.

source "$FIRN_DIR/devstack/lib/firn"

function firn_phase {
    case "$1 $2" in
        "stack install")
            install_firn
            ;;
        "stack post-config")
            create_firn_accounts
            create_firn_cephx_users
            configure_firn
            ;;
        "stack extra")
            create_firn_volume_type
            init_firn
            start_firn
            ;;
        "unstack "*)
            stop_firn
            ;;
        "clean "*)
            cleanup_firn
            ;;
    esac
}

if is_service_enabled firn-api firn-conductor firn-agent; then
    firn_phase "$1" "${2:-}"
fi
