"""Which user of the machine becomes the owner."""

from soniquebay.cli.users import machine_user

USERS = """root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
key:x:1000:1000::/home/key:/bin/bash
bo:x:1002:1002::/home/bo:/bin/bash
pi:x:1001:1001::/home/pi:/bin/bash
"""
SHADOW = """root:$6$root$hash:20000:0:99999:7:::
nobody:*:20000::::::
key:!:20000:0:99999:7:::
bo:$6$bo$hash:20000:0:99999:7:::
pi:$5$pi$hash:20000:0:99999:7:::
"""


def test_the_first_person_with_a_password_is_found() -> None:
    assert machine_user(USERS, SHADOW) == ("pi", "$5$pi$hash")
    assert machine_user(USERS, SHADOW, "bo") == ("bo", "$6$bo$hash")
    assert machine_user(USERS, SHADOW, "root") is None
    assert machine_user(USERS, SHADOW, "key") is None
    assert machine_user("", "") is None
