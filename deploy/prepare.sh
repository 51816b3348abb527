# Runs once, while the image is built: users, folders of the volumes, and the settings of Redis.
# The numbers are those of deploy/compose.yml and deploy/kubernetes.yml. Each program has a user of its own, as on the
# appliance: the worker reads files of unknown origin, and must not act for the API.
groupadd --gid 10000 soniquebay
groupmod --gid 10010 redis
usermod --uid 10010 --gid 10010 redis
user() {
    useradd --uid "$1" --gid soniquebay --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$2"
}
user 10001 soniquebay-api
user 10002 soniquebay-worker
user 10003 soniquebay-flower
user 10004 soniquebay-online
user 10005 soniquebay-worker-proxy

folder() {
    install --directory --owner "$1" --group "$2" --mode "$3" "$4"
}
# An engine copies owner and mode to new volumes.
folder soniquebay-api soniquebay 0750 /data
folder root root 0755 /music
folder redis redis 0750 /var/lib/redis
folder redis redis 2755 /run/redis
folder soniquebay-api soniquebay 0755 /run/soniquebay
folder soniquebay-api soniquebay 0700 /run/soniquebay-control
folder soniquebay-api soniquebay 0755 /run/soniquebay-workers
folder soniquebay-online soniquebay 0755 /run/soniquebay-online

# The settings of the appliance's Redis, as the release has them.
python3 - <<'PYTHON'
import json
from pathlib import Path

files = json.loads(Path("/opt/soniquebay/current/system.json").read_text())["site"]["files"]
(settings,) = (file["content"] for file in files if file["path"] == "/etc/redis/redis.conf")
# Not in /etc/redis, which only the user may read whom Debian's package has made.
Path("/etc/soniquebay").mkdir()
Path("/etc/soniquebay/redis.conf").write_text(settings)
Path("/usr/local/bin/soniquebay").symlink_to("/opt/soniquebay/current/bin/soniquebay")
PYTHON
rm -f /tmp/prepare.sh
