# What quickstart and test share; to be sourced.
# shellcheck shell=bash

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
export LC_ALL=C.UTF-8

# What the library and the examples are built from; the others are for tests only. Debian's names.
packages_library=(gcc libc6-dev make cmake pkg-config openmpi-bin libopenmpi-dev libblosc-dev libjansson-dev libmurmurhash-dev
                  librandom123-dev libxxhash-dev libzip-dev)
packages_examples=(libsvm-dev zlib1g-dev)
packages_tests=(check g++ groff-base procps python3-numpy python3-zarr)
packages_mpich=(mpich libmpich-dev)
packages_cluster=(iproute2 glusterfs-server glusterfs-client munge slurmctld slurmd slurm-client slurm-wlm-basic-plugins libpmix2)

say()
{
    printf '== %s\n' "$*"
}

die()
{
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# A command line that is not understood: exit status 2.
wrong_use()
{
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

cores()
{
    nproc 2>/dev/null || echo 1
}

missing_packages()
{
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
    done
}

as_root()
{
    if [[ $(id -u) == 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt()
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

# Installs those of the packages that are missing. Touches nothing, and needs neither root nor network, when none is.
need_packages()
{
    local missing
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "no apt-get here: going on with what is installed (on Debian these would be: $*)"
        return
    fi
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || { say "packages: all installed"; return; }
    say "packages: installing ${missing[*]}"
    [[ $(id -u) == 0 ]] || command -v sudo >/dev/null ||
        die "these packages are missing, and installing them needs root (there is no sudo): run as root: apt-get install ${missing[*]}"
    # Lists may be absent (a fresh system) or old: then they are fetched, once.
    if ! apt install --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        say "packages: fetching the package lists"
        apt update || die "apt-get update failed: is there a network, and is this user allowed to?"
        apt install --no-install-recommends "${missing[@]}" ||
            die "apt-get could not install: ${missing[*]} (no network? its messages are above)"
    fi
}

# cached BUILD NAME: a variable of a configured build folder
cached()
{
    sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt"
}

# quietly LOG COMMAND ...: shows what the command printed only when it fails
quietly()
{
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        return 1
    fi
}
