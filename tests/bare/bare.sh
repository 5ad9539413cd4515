# ./dev bare: the README's two commands in a bare Debian 12, from a fresh clone; sourced by dev, needs root.
bare_root=${NUMASIO_BARE_ROOT:-/var/tmp/numasio-bare}

bare() {
    [[ $EUID -eq 0 ]] || die "bare mounts and changes root: run it as root"
    local missing
    mapfile -t missing < <(missing_packages debootstrap git)
    (( ${#missing[@]} == 0 )) || apt_install "${missing[@]}"
    say "bare: a new Debian 12 under $bare_root"
    rm -rf --one-file-system "$bare_root"
    debootstrap --variant=minbase bookworm "$bare_root" "${NUMASIO_MIRROR:-http://deb.debian.org/debian}" > /dev/null
    git clone -q "$root" "$bare_root/root/numasio"

    bare_case "the base system alone: no git, curl, python3, sudo, compiler, certificates" bare_is_bare
    bare_case "./dev run serves, and ends with 0 on Ctrl-C" bare_run
    bare_case "./dev test passes" bare_test
    bare_case "a second ./dev test installs nothing" bare_second_test
    report
}

bare_case() {
    say "bare: $1"
    local began=$SECONDS
    if "$2"; then passed=$(( passed + 1 )); echo "ok, $(( SECONDS - began )) s"
    else failed=$(( failed + 1 )); echo "FAILED after $(( SECONDS - began )) s"; fi
}

# in_bare COMMAND: in the root, with its own mounts and nothing of this environment.
in_bare() {
    exec unshare --mount -- /bin/bash -c '
        set -e; root=$1; shift
        mount -t proc proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
        exec env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"' \
        bare "$bare_root" /bin/bash -c "cd /root/numasio && exec $1"
}

bare_is_bare() {
    local program
    for program in git curl python3 sudo g++ cmake make; do
        if [[ -e $bare_root/usr/bin/$program ]]; then echo "$program is there"; return 1; fi
    done
    [[ ! -d $bare_root/etc/ssl/certs ]]
}

# Sends a request to a port here (the network is shared) and prints what comes back.
ask() {
    local port=$1 request=$2
    exec 3<> "/dev/tcp/127.0.0.1/$port" || return 1
    printf '%b' "$request" >&3
    timeout 5 cat <&3 || true
    exec 3>&-
}

bare_run() {
    local log=$bare_root/run.log server answer ready status=0 tries=0
    (in_bare "./dev run") > "$log" 2>&1 < /dev/null & server=$!
    until grep -q 'redis-cli' "$log" || ! kill -0 "$server" 2> /dev/null; do
        sleep 1
        (( ++tries % 15 )) || printf '   %4d s  %.90s\n' "$tries" "$(tail -n 1 "$log")"
    done
    answer=$(ask 7379 'PING\r\nSET bare 12\r\nGET bare\r\nQUIT\r\n')
    ready=$(ask 9464 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:9464\r\nConnection: close\r\n\r\n')
    kill -INT "$server" 2> /dev/null
    wait "$server" || status=$?
    sed -n '/== run:/,$p' "$log"
    if [[ $answer != $'+PONG\r\n+OK\r\n$2\r\n12\r\n+OK'* || $ready != *" 200 "* || $status -ne 0 ]]; then
        tail -n 40 "$log"; echo "answer: $answer; ready: $ready; exit status $status"; return 1
    fi
}

bare_test() {
    (in_bare "./dev test") 2>&1 < /dev/null | tee "$bare_root/test.log" | grep --line-buffered -E '^==|passed|FAILED'
    tail -n 1 "$bare_root/test.log" | grep -E '^[1-9][0-9]* passed, 0 failed$'
}

bare_second_test() {
    (in_bare "./dev test") > "$bare_root/again.log" 2>&1 < /dev/null
    ! grep -q '^== setup' "$bare_root/again.log" && tail -n 1 "$bare_root/again.log" | grep -E '^[1-9][0-9]* passed, 0 failed$'
}
