#!/bin/sh
# demo.sh -- two real servers, a backup, and a clone that is proven equal.
#
# Called by `make demo`.  Servers, store and all are in a scratch folder and on
# free ports of the loopback, and gone at the end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=${RDBPIPE_BIN:-$here/../build/bin}:$PATH
scratch=$(mktemp -d)
servers=

clean_up()
{
	for pid in $servers; do
		kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || :
	done
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -t 1 ]; then
	bold=$(printf '\033[1m') faint=$(printf '\033[2m') plain=$(printf '\033[0m')
else
	bold='' faint='' plain=''
fi

# step WORDS: what comes next, and why.
step()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# show COMMAND...: print it as one would type it, then run it.
show()
{
	printf '%s  $' "$faint"
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9_./:=@+-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '%s\n' "$plain"
	code=0
	"$@" >out 2>&1 || code=$?
	sed 's/^/  /' out
	[ "$code" -eq 0 ] || {
		printf '\ndemo: that ended with %s\n' "$code" >&2
		exit 1
	}
}

# serve NAME: start a server; its port in $port, its log in NAME.log.
serve()
{
	mkdir "$1"
	for _ in 1 2 3 4 5; do
		port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
		./redis-server --port "$port" --bind 127.0.0.1 --dir "$1" \
		    --save '' --enable-debug-command yes \
		    --repl-diskless-sync-delay 0 >"$1.log" 2>&1 &
		pid=$!
		for _ in $(seq 200); do
			kill -0 "$pid" 2>/dev/null || break
			[ "$(redis-cli -p "$port" INFO server 2>&1 |
			    tr -d '\r' | sed -n 's/^process_id://p')" != "$pid" ] || {
				servers="$servers $pid"
				return
			}
			sleep 0.05
		done
		kill "$pid" 2>/dev/null || :
	done
	cat "$1.log" >&2
	exit 1
}

# fill PORT KEYS: every type a Redis 7.0 knows.
fill()
{
	PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 python3 - "$1" "$2" <<-'EOT'
	import sys
	from types import SimpleNamespace
	from harness import data
	from harness.client import Client
	port, keys = map(int, sys.argv[1:])
	data.fill(SimpleNamespace(engine=SimpleNamespace(field_ttls=False),
	                          client=lambda: Client(port)), keys)
	EOT
}

# total PORT: keys in all its databases.
total()
{
	redis-cli -p "$1" INFO keyspace |
	    sed -n 's/^db.*:keys=\([0-9]*\),.*/\1/p' |
	    awk '{ n += $1 } END { print n + 0 }'
}

cd "$scratch"
# Debian's redis-check-rdb is the server, by another name; the package that is
# called redis-server would start a service.
ln -s "$(command -v redis-check-rdb)" redis-server
serve one && source=$port
serve two && target=$port
fill "$source" 20000
version=$(redis-cli -p "$source" INFO server | tr -d '\r' |
    sed -n 's/^redis_version://p')

printf '%s\n' "Two servers, Redis $version: one holds $(total "$source") keys of \
every type," "the other $(total "$target"). Let the second become a clone of a \
backup of the first."

step 'Back it up: small programs joined by pipes, each of which proves its input whole'
show rdbpipe backup "redis://127.0.0.1:$source" --store store \
    --instance shop --remark 'before the sale'

step 'The backups there are, read from the store alone'
show rdbpipe list --store store

step 'Is it good? Read it all back: checksums, structure, fingerprint'
show rdbpipe verify latest --store store

step 'Clone it, then capture the clone and compare fingerprints of the data'
show rdbpipe clone latest --store store --to "redis://127.0.0.1:$target" --prove

step "The servers' own opinion"
for port in "$source" "$target"; do
	show redis-cli -p "$port" DEBUG DIGEST
done
[ "$(redis-cli -p "$source" DEBUG DIGEST)" = \
    "$(redis-cli -p "$target" DEBUG DIGEST)" ] || {
	printf '\ndemo: the servers differ\n' >&2
	exit 1
}
printf '\nThe clone holds %s keys, and they are the same.\n' "$(total "$target")"
