#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# debian-guest.t COUNT: the packages of the project in a Debian that has nothing else of it: installed, used, upgraded,
# removed and purged. tests/vm/debian.t runs it in the virtual machine, with the packages in /debs/1 and, of the next
# revision, in /debs/2. COUNT results were printed before.

# shellcheck source=tests/e2e/lib.sh
. /src/tests/e2e/lib.sh
# shellcheck source=tests/e2e/systemd.sh
. /src/tests/e2e/systemd.sh
TAP_COUNT=$1
version() { dpkg-deb --field "/debs/$1"/nfstlskey_*.deb Version; }
PACKAGES=(libnfstls-p11-0 nfstlskey nfstlskey-tlshd)
FILES=/etc/nfs/identities.d
export DEBIAN_FRONTEND=noninteractive
# the root file system leaves manuals out
rm -f /etc/dpkg/dpkg.cfg.d/*
# which lib.sh has made
rmdir /etc/nfs

apt() { apt-get -y -o Dpkg::Use-Pty=0 "$@"; }

# states: of our packages, what dpkg knows
states() { dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null; }

# all_are VERSION-AND-STATE
all_are() { printf "%s $1\n" "${PACKAGES[@]}"; }

# files: all that there are, with type and mode; not what dpkg and apt keep for themselves, nor logs and caches
files() {
	find / -xdev -regextype posix-extended -regex '/(debs|var/(log|cache|lib/apt|lib/dpkg))' -prune -o \
		-printf '%y %m %p\n' | sort
}

# no_complaint TEXT: after ok; apt, dpkg and the maintainer scripts had none
no_complaint() { is "$1" "$(grep -iE 'warn|error|fail|cannot|could not|unable' /tmp/tap.out)" ''; }

# --- without a running systemd, as in a chroot or an image ---
files >/tmp/before
ok 'apt installs the packages' apt install /debs/1/*.deb
no_complaint 'and nothing complains'
is 'they are installed' "$(states)" "$(all_are "$(version 1) installed")"
is 'dpkg finds each file as it was packed' "$(dpkg --verify "${PACKAGES[@]}")" ''
is 'the command runs' "$(command nfstlskey --version)" "nfstlskey $(version 1 | sed 's/-[^-]*$//')"
nok 'mount(8) finds the helper' mount -t nfstls server:/ /mnt/nfs
said 'which is ours' '^mount.nfstls: '
ok 'the autopkgtest of the command' /src/debian/tests/command
manuals=(/src/man/*.[1-8])
is 'every manual page is there' "$(cd /usr/share/man && find . -name '*nfstls*.gz' -printf '%f\n' | sort)" \
	"$(printf '%s.gz\n' "${manuals[@]##*/}")"
# shellcheck disable=SC2016 # for the shell that is started
ok 'the completion is where bash-completion looks' \
	bash -c '. /usr/share/bash-completion/completions/nfstlskey && complete -p nfstlskey'
for unit in nfstlskey-load.service nfstls-tlshd@tenant.service tlshd.service; do
	ok "systemd-analyze verify $unit" systemd-analyze verify --man=no "$unit"
	is "$unit: it says nothing of ours" "$(grep -i nfstls /tmp/tap.out)" ''
done
ok 'the load at boot is enabled' test -L $UNITS/remote-fs.target.wants/nfstlskey-load.service
is 'the folder of identity files is there' "$(stat -c '%A %U %G' $FILES)" 'drwxr-xr-x root root'
ok 'they are removed' apt remove "${PACKAGES[@]}"
no_complaint 'and nothing complains of that'
is 'the folder of identity files is gone with them' "$(ls -d /etc/nfs 2>&1)" \
	"ls: cannot access '/etc/nfs': No such file or directory"
ok 'they are purged' apt purge "${PACKAGES[@]}"
is 'dpkg does not know them any more' "$(states | grep -v not-installed)" ''
is 'no file is left, and none is missing' "$(diff /tmp/before <(files))" ''

# --- on a host that runs ---
# serving UNIT: the process of a tlshd
serving() { property "$1" MainPID; }

# adapter_of UNIT: the adapter and the library in its tlshd; "(deleted)" follows a file that is not that on the disk
adapter_of() {
	with_systemd sed -nE 's/.*(tlshd-adapter|libnfstls-p11)\.so[^ ]*/\1/p' "/proc/$(serving "$1")/maps" |
		sort -u | paste -sd ' '
}
has_adapter() { [[ $(adapter_of "$1") == 'libnfstls-p11 tlshd-adapter' ]]; }
has_none() { [[ $(serving "$1") -gt 0 && -z $(adapter_of "$1") ]]; }

# true_soon TEXT COMMAND...: a service counts as started before its program is
true_soon() {
	local text=$1
	shift
	wait_for "$@"
	result $? "$text"
}

mkdir /etc/nfs
world_up
ca_new root
token_init lab
server_start root
token_identity lab alice root EC:prime256v1
printf '%s\n' '[debug]' loglevel=1 '[authenticate]' keyrings=.nfs '[authenticate.client]' \
	"x509.truststore=$PKI/root.pem" >/etc/tlshd.conf
printf '[Unit]\nWants=tlshd.service\nAfter=tlshd.service\n' >$UNITS/boot.target
systemd_boot
result $? 'a host with ktls-utils boots'
first=$(serving tlshd.service)
true_soon 'its tlshd has nothing of ours' has_none tlshd.service

ok 'the packages are installed there' with_systemd apt-get -y install /debs/1/*.deb
no_complaint 'nothing complains'
true_soon 'tlshd has the adapter now' has_adapter tlshd.service
[[ $(serving tlshd.service) != "$first" ]]
result $? 'since it was restarted'
is 'the load at boot is enabled, and was not started' \
	"$(systemctl is-enabled nfstlskey-load) $(property nfstlskey-load ConditionTimestampMonotonic)" 'enabled 0'
ok 'an identity is persisted' nfstlskey add alice --pkcs11 'pkcs11:token=lab;object=alice' \
	--pin-file "$PIN_FILE" --persist
forget_peer
ok 'mount(8) mounts as it' on_client mount -t nfstls -o tls_identity=alice,vers=4.2 server:/ /mnt/nfs
ok 'it writes and reads' works
is 'the server saw the certificate' "$(server_saw)" CN=alice
ok 'the load at boot loads' systemctl start nfstlskey-load

first=$(serving tlshd.service)
loaded=$(property nfstlskey-load ExecMainStartTimestampMonotonic)
cp $FILES/alice.conf /tmp/alice.conf
ok 'the packages are upgraded under the mount' with_systemd apt-get -y install /debs/2/*.deb
no_complaint 'and nothing complains of it'
is 'they are of the next revision' "$(states)" "$(all_are "$(version 2) installed")"
true_soon 'tlshd has the new adapter' has_adapter tlshd.service
[[ $(serving tlshd.service) != "$first" ]]
result $? 'having been restarted once more'
is 'the load at boot was left alone' "$(property nfstlskey-load ExecMainStartTimestampMonotonic)" "$loaded"
forget_peer
server_restart
ok 'the mount connects again' works
is 'with the certificate' "$(server_saw)" CN=alice
umount /mnt/nfs

ip netns add tenant
ok 'a tlshd for a network namespace' systemctl start nfstls-tlshd@tenant
true_soon 'it has the adapter' has_adapter nfstls-tlshd@tenant
printf 'pkcs11 = pkcs11:token=none\n' >$FILES/late.conf
nok 'an identity whose token is absent does not load' systemctl start nfstlskey-load
first=$(serving nfstls-tlshd@tenant)
ok 'another upgrade' with_systemd apt-get -y install --reinstall /debs/2/nfstlskey{,-tlshd}_*.deb
true_soon 'that tlshd has the new adapter' has_adapter nfstls-tlshd@tenant
[[ $(serving nfstls-tlshd@tenant) != "$first" ]]
result $? 'having been restarted too'
is 'the absent token is still waited for' "$(systemctl is-active nfstlskey-load)" activating

ok 'the packages are removed' with_systemd apt-get -y remove "${PACKAGES[@]}"
true_soon 'tlshd runs on, without the adapter' has_none tlshd.service
is 'no token is waited for any more' "$(systemctl is-active nfstlskey-load)" inactive
is 'that of the namespace was stopped' "$(systemctl is-active nfstls-tlshd@tenant)" inactive
is 'no unit failed' "$(systemctl --plain --no-legend --failed list-units)" ''
ok 'the identity file is there' cmp /tmp/alice.conf $FILES/alice.conf
ok 'they are purged there' with_systemd apt-get -y purge "${PACKAGES[@]}"
ok 'the identity file is the administrator'\''s, and stays' cmp /tmp/alice.conf $FILES/alice.conf
ok 'and so does the PIN file' test -s "$PIN_FILE"
is 'nothing else of ours does' "$(files | grep nfstls)" ''

done_testing
