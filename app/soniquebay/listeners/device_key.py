"""The key of this machine, made by it at the first start. It encrypts what has to be recoverable."""

import hashlib
import secrets
from pathlib import Path

from soniquebay.atomic_file import replace_file
from soniquebay.storage_faults import StorageFaultError

KEY_BYTES = 32


class DeviceKey:
    """Encrypts short texts, and makes keyed hashes of them. Another machine's key does neither in the same way."""

    def __init__(self, key: bytes) -> None:
        self._encryption = hashlib.blake2b(key, digest_size=KEY_BYTES, person=b"encryption").digest()
        self._lookup = hashlib.blake2b(key, digest_size=KEY_BYTES, person=b"lookup").digest()

    def encrypt(self, text: str) -> bytes:
        """Return a text encrypted and authenticated (XSalsa20-Poly1305, with the nonce in front)."""
        from nacl.secret import SecretBox

        return bytes(SecretBox(self._encryption).encrypt(text.encode()))

    def decrypt(self, data: bytes) -> str | None:
        """Return the text of `encrypt`; None when another key has encrypted it, or it was changed."""
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox

        try:
            return SecretBox(self._encryption).decrypt(data).decode()
        except (CryptoError, ValueError):
            return None

    def keyed_hash(self, text: str) -> bytes:
        """Return the keyed hash by which a text is found without decrypting all (BLAKE2b, 16 bytes)."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._lookup).digest()


def read_or_make(path: Path) -> DeviceKey:
    """Return the key in a file. Make it when there is none. Raises ``StorageFaultError`` when the file holds no key."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, key)
    if len(key) != KEY_BYTES:
        raise StorageFaultError(
            f"{path.name} is damaged",
            "restore it from a backup, or delete it; then every app password has to be made anew",
            f"{path} has {len(key)} bytes in place of {KEY_BYTES}",
        )
    return DeviceKey(key)
