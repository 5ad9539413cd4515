#!/bin/busybox sh
# The guest's first process: modules, the host's files under a writable layer, then the command.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" || echo "init: $module was refused"; done < /order
mkdir -p /host /over /root /result
options=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$options,cache=loose,ro" host /host
mount -t tmpfs -o size=25% over /over
mkdir -p /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work over /root
mkdir -p /root/run/result /root/dev/hugepages
mount -t 9p -o "$options" result /root/run/result
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mkdir -p /root/dev/hugepages /root/dev/shm
mount -t hugetlbfs hugetlbfs /root/dev/hugepages
mount -t tmpfs shm /root/dev/shm
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
cat > /root/run/guest.sh <<'END'
for port in /sys/class/virtio-ports/*; do
    if [ "$(cat "$port/name")" = numasio.out ]; then out=/dev/${port##*/}; fi
done
echo started > /run/result/started
bash /run/result/command.sh > "$out" 2>&1 < /dev/null
echo $? > /run/result/status
sync
printf '\001' | dd of=/dev/port bs=1 seek=244 2> /dev/null
sleep 60
END
exec switch_root /root /bin/bash /run/guest.sh
