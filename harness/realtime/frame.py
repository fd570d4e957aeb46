"""A text message as the bytes of one WebSocket frame from a server (RFC 6455, 5.2): made once, written to many."""


def text_frame(text: str) -> bytes:
    """One final, unmasked text frame."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
