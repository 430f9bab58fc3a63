// Names of programs on an ordinary developer's Debian machine: what the accuracy bench tells the rules
// that can be run. Made from memory of such machines, not from the cases; data only.

const NAMES = `
[ alias apt apt-cache apt-get apt-mark ar as awk base64 basename bash bc bg blkid bundle bunzip2 bzip2 c++
cal cargo cat cc cd chgrp chmod chown chroot clang clear cmake cmp code comm cp cpio cron crontab csplit curl
cut date dd df diff dig dirname dmesg docker docker-compose dpkg du echo ed egrep emacs env eval exit expand
export expr factor false fdisk ffmpeg fg fgrep file find flock fmt fold free fsck ftp fuser g++ gcc gdb gem
getent gh git go gpg grep groups gunzip gzip head hexdump history host hostname htop iconv id info install
ip iptables java javac jobs join journalctl jq kill killall kubectl last ld ldd less link ln locale locate
logger login logname ls lsblk lscpu lsmod lsof lspci lsusb make man md5sum mkdir mkfifo mkfs mknod mktemp
more mount mv mysql nano nc nice nl nm node nohup npm npx nslookup od objdump openssl parted passwd paste
patch perl pgrep php ping pip pip3 pkill pnpm popd printenv printf ps psql pushd pwd python python3 rake
read readelf readlink realpath reboot redis-cli rename reset rm rmdir rsync ruby rustc rustup sar scp screen
sed seq service set sftp sh sha1sum sha256sum shutdown sleep sort source split sqlite3 ss ssh ssh-add
ssh-agent ssh-copy-id ssh-keygen stat strace strings strip stty su sudo sum svn sync sysctl systemctl tac
tail tar tee telnet test time timeout tmux top touch tr traceroute tree true truncate tsc tty type ufw
umask umount unalias uname uniq unlink unset unxz unzip uptime useradd userdel usermod users vi vim vmstat
w wait watch wc wget whereis which who whoami whois xargs xdg-open xxd xz yarn yes zcat zip zsh
`

export const MACHINE_COMMANDS: ReadonlySet<string> = new Set(NAMES.trim().split(/\s+/))
