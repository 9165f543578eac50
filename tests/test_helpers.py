"""Where credentials may go: plain http stays in the house, TLS is verified."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
import ssl
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from yarl import URL

from custom_components.whatsapp_presence.gateways.base import UnreachableError
from custom_components.whatsapp_presence.helpers import create_gateway, is_local_host
from homeassistant.core import HomeAssistant

CONFIGS = {
    "waapi": {"instance_id": "12345", "api_token": "t0ken"},
    "wawp": {"instance_id": "A1B2C3", "access_token": "t0ken"},
    "waha": {"session": "default", "api_key": "t0ken"},
}


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3000",
        "http://LOCALHOST",
        "http://127.0.0.1",
        "http://127.255.255.254",
        "http://10.1.2.3",
        "http://172.16.0.1",
        "http://172.31.255.255",
        "http://192.168.0.1",
        "http://[::1]:3000",
        "http://[fd00::1]",
        "http://[::ffff:127.0.0.1]",
        "http://[::ffff:192.168.0.1]",
    ],
)
def test_loopback_and_private_addresses_are_in_the_house(url: str) -> None:
    """Plain http may go there."""
    assert is_local_host(URL(url).host or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://waapi.app",
        "http://8.8.8.8",
        "http://172.15.255.255",
        "http://172.32.0.1",
        "http://192.169.0.1",
        "http://11.0.0.1",
        "http://0.0.0.0",
        "http://169.254.169.254",
        "http://100.64.0.1",
        "http://[::]",
        "http://[fe80::1]",
        "http://[2001:db8::1]",
        "http://[::ffff:8.8.8.8]",
        "http://[64:ff9b::c0a8:1]",
        "http://[2002:c0a8:1::1]",
        # What some resolvers take for 127.0.0.1 and 192.168.0.1, and others do not.
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://127.1",
        "http://3232235521",
        "http://192.168.1",
        "http://127.0.0.1.",
        # Names that only look like it, whoever they belong to.
        "http://192.168.0.1.evil.example",
        "http://127.0.0.1.nip.example",
        "http://10.0.0.1-x.example",
        "http://localhost.",
        "http://localhost.evil.example",
        "http://localhost.localdomain",
        "http://notlocalhost",
        "http://gateway.local",
        "http://gateway",
        "http://192.168.0.1@evil.example",
    ],
)
def test_names_and_odd_spellings_are_not_in_the_house(url: str) -> None:
    """Who would have to ask a name server can't know where the token ends up."""
    assert not is_local_host(URL(url).host or "")


@pytest.fixture
def self_signed(
    socket_enabled: None, tmp_path: Path
) -> Iterator[tuple[str, list[str]]]:
    """A server whose certificate nobody vouches for, and what it was asked."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

        def do_POST(self) -> None:
            asked.append(self.path)

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Whom it is shown to hangs up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("key", list(CONFIGS))
async def test_server_whose_certificate_nobody_vouches_for_gets_no_token(
    hass: HomeAssistant, self_signed: tuple[str, list[str]], key: str
) -> None:
    """TLS is verified: whoever stands in between learns nothing."""
    url, asked = self_signed
    gateway = create_gateway(hass, {"gateway": key, "url": url, **CONFIGS[key]})
    with pytest.raises(UnreachableError):
        await gateway.validate()
    assert asked == []
