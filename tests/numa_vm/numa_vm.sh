# ./dev numa-vm [--topology NAME|FILE] [--timeout SECONDS] [--env NAME]... -- COMMAND...: runs a command of this machine
# inside a machine with many NUMA nodes, emulated, with a real Debian kernel; sourced by dev. Machines: machines/*.machine.
numa_vm_folder=$root/build/numa_vm
PATH=$PATH:/usr/sbin:/sbin  # depmod and modprobe, which are not in every user's
# What the guest needs to see the host's files and its devices; each brings its dependencies.
numa_vm_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay virtio_net e1000e nvme 8021q bonding dummy bridge macvlan)

numa_vm_usage() { echo "usage: ./dev numa-vm [--topology NAME|FILE] [--timeout SECONDS] [--env NAME]... -- COMMAND..., or ./dev numa-vm --list"; }

numa-vm() {
    local topology=two_nodes limit=${NUMASIO_VM_TIMEOUT:-300} names=()
    while (( $# > 0 )); do
        case $1 in
            --topology) topology=${2:?--topology needs a name or a file}; shift 2 ;;
            --timeout) limit=${2:?--timeout needs seconds}; shift 2 ;;
            --env) names+=("${2:?--env needs the name of a variable}"); shift 2 ;;
            --help | -h) numa_vm_usage; return ;;
            --list) (cd "$root/tests/numa_vm/machines" && grep -m 1 '^#' ./*.machine | sed 's|^\./||; s|\.machine:# |: |'); return ;;
            --) shift; break ;;
            *) die "numa-vm does not know '$1'; $(numa_vm_usage)" ;;
        esac
    done
    (( $# > 0 )) || die "numa-vm needs a command after --"
    local machine=$topology
    [[ -f $machine ]] || machine=$root/tests/numa_vm/machines/$topology.machine
    [[ -f $machine ]] || die "numa-vm has no machine '$topology'; ./dev numa-vm --list names them"
    numa_vm_run "$machine" "$limit" "${names[*]}" "$@"
}

# --- parts: packages, kernel, initial file system; made once ------------------------------------
# numa_vm_setup KERNEL: stable or backports
numa_vm_setup() {
    local folder=$numa_vm_folder/$1
    setup vm
    [[ -f $folder/vmlinux ]] || numa_vm_kernel "$1" "$folder"
    if [[ ! -f $folder/initrd || $root/tests/numa_vm/init.sh -nt $folder/initrd || $root/tests/numa_vm/numa_vm.sh -nt $folder/initrd ]]; then
        numa_vm_initrd "$folder"
    fi
}

# numa_vm_kernel KERNEL FOLDER: a Debian kernel, taken out of its package; nothing is installed on this machine.
numa_vm_kernel() {
    local suite=$1 folder=$2 work=$2/kernel package version
    rm -rf "$folder" && mkdir -p "$work/root"
    "numa_vm_apt_$suite" "$work" || die "numa-vm: apt-get cannot download Debian's kernel of $suite (its message is above)"
    package=$(basename "$work"/linux-image-*.deb)
    package=${package%%_*}
    dpkg-deb -x "$work"/*.deb "$work/root"
    rm "$work"/*.deb
    version=${package#linux-image-}
    depmod -b "$work/root" "$version"
    printf '%s\n' "$version" > "$work/version"
    # Unpacked here: emulated, decompression takes seconds of each boot.
    numa_vm_unpack_kernel "$work/root/boot/vmlinuz-$version" "$folder/vmlinux.part"
    mv "$folder/vmlinux.part" "$folder/vmlinux"
}

numa_vm_apt_stable() { numa_vm_download "$1" || { as_root apt-get update -q && numa_vm_download "$1"; }; }

# The suite of newer kernels, seen by a private apt: this machine's own lists and sources stay as they are.
numa_vm_apt_backports() {
    local apt=$1/apt site options
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 2> /dev/null | sed -n 's| bookworm$||p' | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${site:-http://deb.debian.org/debian} bookworm-backports main" \
        > "$apt/sources.list"
    options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache")
    apt-get -q -o APT::Sandbox::User=root "${options[@]}" update && numa_vm_download "$1" "${options[@]}"
}

# numa_vm_download FOLDER [APT OPTIONS]: the package that linux-image-amd64 stands for. Fails where apt's lists are missing or old.
numa_vm_download() {
    local to=$1 package; shift
    package=$(apt-cache "$@" depends linux-image-amd64 2> /dev/null | sed -n 's/^ *Depends: //p' | head -n 1)
    [[ -n $package ]] || return 1
    say "numa-vm: $package"
    (cd "$to" && apt-get download -q -o APT::Sandbox::User=root "$@" "$package")
}

numa_vm_unpack_kernel() {
    local image=$1 to=$2 magic offset command
    while read -r magic command; do
        for offset in $(LC_ALL=C grep -aobP "$magic" "$image" | cut -d: -f1); do
            tail -c "+$(( offset + 1 ))" "$image" | $command > "$to" 2> /dev/null || true
            if [[ $(head -c 4 "$to" | tail -c 3) == ELF ]]; then return; fi
        done
    done <<< '\xFD7zXZ\x00 xz -dc --single-stream
\x28\xB5\x2F\xFD zstd -dc
\x1F\x8B\x08 gzip -dc'
    die "numa-vm: $image holds no kernel that xz, zstd or gzip unpacks"
}

numa_vm_initrd() {
    local folder=$1 work=$1/initrd.d version module file
    version=$(< "$folder/kernel/version")
    rm -rf "$work" && mkdir -p "$work"/{bin,modules,proc,sys,dev}
    cp "$(command -v busybox)" "$work/bin/busybox"
    cp "$root/tests/numa_vm/init.sh" "$work/init"
    chmod +x "$work/init"
    for module in "${numa_vm_modules[@]}"; do
        modprobe -d "$folder/kernel/root" -S "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | awk '!seen[$0]++' > "$work/order"
    while read -r file; do
        case $file in
            *.xz) xz -dc "$file" > "$work/modules/$(basename "$file" .xz)" ;;
            *) cp "$file" "$work/modules/" ;;
        esac
    done < "$work/order"
    sed -i 's|.*/||; s|\.xz$||' "$work/order"
    grep -q '^9p\.ko' "$work/order" || die "numa-vm: the kernel's modules are incomplete; remove $folder and try again"
    (cd "$work" && find . | busybox cpio -o -H newc 2> /dev/null) > "$folder/initrd.part"
    mv "$folder/initrd.part" "$folder/initrd"
}

# --- a machine from its description -------------------------------------------------------------
# Reads MACHINE into the arrays vm_options (for QEMU) and vm_setup (lines that the guest runs first).
numa_vm_describe() {
    local word a b c rest memory=0 cpus=0 sockets=0 node device=0 id absent=0
    local -A distance=() bus=()
    local nodes=() cpu_lines=() late_cpus=() lists=()
    vm_options=() vm_setup=() vm_append= vm_kernel=stable vm_machine=q35
    while read -r word a b c rest; do
        case $word in
            '' | \#*) ;;
            node)  # node ID [memory=MiB] [cpus=N] [initiator=NODE]
                nodes+=("$a")
                local size='' count=0 field initiator=''
                for field in $b $c $rest; do
                    case $field in
                        memory=*) size=${field#*=} ;;
                        cpus=*) count=${field#*=} ;;
                        initiator=*) initiator=,$field vm_machine=q35,hmat=on ;;
                        *) die "$1: '$field' is none of memory=MiB, cpus=N, initiator=NODE" ;;
                    esac
                done
                (( count % 2 == 0 )) || die "$1: node $a has $count CPUs; sockets have two each"
                if [[ -n $size ]]; then
                    vm_options+=(-object "memory-backend-ram,id=mem$a,size=${size}M" -numa "node,nodeid=$a,memdev=mem$a$initiator")
                    memory=$(( memory + size ))
                else
                    vm_options+=(-numa "node,nodeid=$a$initiator")
                fi
                for (( ; count > 0; count -= 2 )); do
                    cpu_lines+=(-numa "cpu,node-id=$a,socket-id=$sockets")
                    if (( absent == 0 )); then
                        cpus=$(( cpus + 2 ))
                    else  # after a socket that is empty each CPU has to be named
                        late_cpus+=(-device "max-x86_64-cpu,socket-id=$sockets,core-id=0,thread-id=0"
                                    -device "max-x86_64-cpu,socket-id=$sockets,core-id=1,thread-id=0")
                    fi
                    sockets=$(( sockets + 1 ))
                done ;;
            absent)  # absent FIRST [LAST]: nodes of nothing but an empty socket: the kernel counts them and never shows them
                for (( node = a; node <= ${b:-$a}; node++ )); do
                    vm_options+=(-numa "node,nodeid=$node")
                    cpu_lines+=(-numa "cpu,node-id=$node,socket-id=$sockets")
                    sockets=$(( sockets + 1 )) absent=$(( absent + 1 ))
                done ;;
            memory)  # memory FROM TO NANOSECONDS MiB/s: the firmware's latency and bandwidth (HMAT)
                lists+=(-numa "hmat-lb,initiator=$a,target=$b,hierarchy=memory,data-type=access-latency,latency=$c"
                        -numa "hmat-lb,initiator=$a,target=$b,hierarchy=memory,data-type=access-bandwidth,bandwidth=${rest}M") ;;
            kernel) vm_kernel=$a ;;  # stable or backports
            distance) distance[$a,$b]=$c; distance[$b,$a]=${rest:-$c} ;;  # distance A B VALUE [VALUE BACK]
            nic | nvme)  # on a node
                if [[ -z ${bus[$a]:-} ]]; then
                    bus[$a]=pxb$a
                    vm_options+=(-device "pxb-pcie,id=pxb$a,bus=pcie.0,bus_nr=$(( 32 + 16 * a )),numa_node=$a")
                fi
                device=$(( device + 1 )) id=$word$device
                vm_options+=(-device "pcie-root-port,id=port$device,bus=pxb$a,chassis=$device,slot=$device")
                if [[ $word == nic ]]; then
                    vm_options+=(-device "e1000e,id=$id,bus=port$device,romfile=,mac=52:54:00:00:00:$(printf '%02x' "$device")")
                else
                    vm_options+=(-blockdev "null-co,node-name=$id,size=1048576" -device "nvme,drive=$id,serial=$id,bus=port$device")
                fi ;;
            hugepages)  # hugepages NODE COUNT [KiB, default 2048]
                vm_setup+=("echo $b > /sys/devices/system/node/node$a/hugepages/hugepages-${c:-2048}kB/nr_hugepages") ;;
            cmdline) vm_append+=" $a $b $c $rest" ;;
            *) die "$1: '$word' is none of node, absent, distance, memory, nic, nvme, hugepages, kernel, cmdline" ;;
        esac
    done < "$1"
    if (( absent > 0 && ${#distance[@]} > 0 )); then die "$1: absent nodes and distances do not go together"; fi
    if (( absent > 0 )); then nodes=(); fi
    for a in "${nodes[@]}"; do
        for b in "${nodes[@]}"; do
            if [[ $a == "$b" ]]; then c=10; else c=${distance[$a,$b]:-20}; fi
            vm_options+=(-numa "dist,src=$a,dst=$b,val=$c")
        done
    done
    vm_options=(-m "$memory" -smp "$cpus,maxcpus=$(( 2 * sockets )),sockets=$sockets,cores=2,threads=1" "${vm_options[@]}"
                "${cpu_lines[@]}" "${lists[@]}" "${late_cpus[@]}")
}

# --- one run ----------------------------------------------------------------------------------------
# Ends with the command's status; 125 if the guest ended without telling it, 124 if the time was up.
numa_vm_run() {
    local machine=$1 limit=$2 names=$3 work status attempt name
    shift 3
    local vm_options vm_setup vm_append vm_kernel vm_machine
    numa_vm_describe "$machine"
    numa_vm_setup "$vm_kernel"
    work=$(mktemp -d "$numa_vm_folder/run.XXXXXX")
    mkdir "$work/result"
    {
        printf 'export PATH=%q HOME=/root LANG=C.UTF-8\n' "$root/build/tools/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        printf 'export NUMASIO_VM_MACHINE=%q\n' "$(realpath "$machine")"  # what a test may expect of the guest
        for name in $names; do printf 'export %s=%q\n' "$name" "${!name-}"; done
        printf 'ip link set lo up 2> /dev/null || ifconfig lo up 2> /dev/null || true\n'
        printf '%s\n' "${vm_setup[@]}"
        printf 'cd %q\n' "$PWD"
        printf '%q ' "$@"
        printf '\n'
    } > "$work/result/command.sh"

    for attempt in 1 2 3; do  # a boot that fails is tried again, a command never
        status=0
        rm -f "$work/result/started" "$work/result/status"
        # Through a pipe: QEMU opens /dev/stdout anew, which in a regular file would write over what is there.
        timeout --foreground -k 5 "$limit" qemu-system-x86_64 -nodefaults -no-reboot -no-user-config -display none \
            -monitor none -machine "$vm_machine" -accel tcg,thread=single -cpu max,la57=off "${vm_options[@]}" \
            -kernel "$numa_vm_folder/$vm_kernel/vmlinux" -initrd "$numa_vm_folder/$vm_kernel/initrd" \
            -append "console=ttyS0 panic=-1 oops=panic mitigations=off tsc=reliable clocksource=tsc nowatchdog audit=0 apparmor=0 net.ifnames=0 quiet numa_balancing=disable cryptomgr.notests rcupdate.rcu_expedited=1 no_timer_check$vm_append" \
            -serial "file:$work/console.log" \
            -device virtio-serial-pci,bus=pcie.0 -chardev file,id=out,path=/dev/stdout,append=on -device virtserialport,chardev=out,name=numasio.out \
            -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
            -device virtio-9p-pci,bus=pcie.0,fsdev=host,mount_tag=host \
            -fsdev "local,id=result,path=$work/result,security_model=none" \
            -device virtio-9p-pci,bus=pcie.0,fsdev=result,mount_tag=result \
            -device isa-debug-exit,iobase=0xf4,iosize=0x04 < /dev/null | cat || status=${PIPESTATUS[0]}
        if [[ -f $work/result/started || $status == 124 ]]; then break; fi
        echo "numa-vm: boot $attempt failed (QEMU ended with $status); the end of its console:" >&2
        tail -n 5 "$work/console.log" >&2 || true
    done
    if [[ -s $work/result/status ]]; then
        status=$(< "$work/result/status")
        rm -rf "$work"
        return "$status"
    fi
    if (( status == 124 )); then echo "numa-vm: not finished after $limit s; see $work" >&2; return 124; fi
    echo "numa-vm: the guest ended without telling how its command did; see $work/console.log" >&2
    tail -n 15 "$work/console.log" >&2 || true
    return 125
}
