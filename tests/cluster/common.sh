# What the scripts in this folder share; to be sourced. The hosts are network namespaces of this machine.
# shellcheck shell=bash disable=SC2034

cluster_net=${MPIJOB_CLUSTER_NET:-10.213.77} # the first three numbers of the hosts' private addresses
cluster_state=${MPIJOB_CLUSTER_STATE:-/run/mpijob-cluster}
cluster_lock=/run/lock/mpijob-cluster
cluster_hosts=(mj1 mj2 mj3)
cluster_bridge=mjbr
cluster_front=mjfront # the name of the bridge's own address: where mpirun and Slurm's controller run

cluster_skip()
{
    echo "skipped: $*" >&2
    exit 77
}

cluster_need()
{
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || cluster_skip "the program '$program' is not installed"
    done
}

cluster_need_root()
{
    [[ $(id -u) == 0 ]] || cluster_skip "needs root (network and mount namespaces are made)"
    cluster_need ip unshare
    unshare --uts --mount true 2>/dev/null ||
        cluster_skip "this machine does not allow new namespaces (a container without CAP_SYS_ADMIN?)"
}

# One user of the hosts at a time. Daemons must be started with 9>&-, or they would hold the lock.
cluster_take()
{
    [[ ${MPIJOB_CLUSTER_TAKEN:-} == yes ]] && return
    mkdir -p "$(dirname "$cluster_lock")"
    exec 9>"$cluster_lock"
    flock --wait 900 9 || cluster_skip "another program has been using the hosts for 15 minutes"
    export MPIJOB_CLUSTER_TAKEN=yes
}

cluster_is_up()
{
    [[ -e $cluster_state/hosts ]] && ip link show "$cluster_bridge" >/dev/null 2>&1
}

# Folders below /tmp that all hosts see although each has a /tmp of its own.
cluster_share()
{
    local folder
    for folder in "$@"; do
        folder=$(realpath "$folder")
        [[ $folder == /tmp/* ]] || continue
        [[ :${MPIJOB_CLUSTER_SHARE:-}: != *:"$folder":* ]] || continue
        MPIJOB_CLUSTER_SHARE=${MPIJOB_CLUSTER_SHARE:+$MPIJOB_CLUSTER_SHARE:}$folder
    done
    export MPIJOB_CLUSTER_SHARE=${MPIJOB_CLUSTER_SHARE:-}
}
