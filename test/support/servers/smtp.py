"""A mail server: its settings are the one argument, as JSON; what it takes goes to a file, a line of JSON each."""
import asyncio, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

settings = json.loads(sys.argv[1])


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in settings["refused"]:
            return "550 no such mailbox, and its text is not ours: " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        taken = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "login": session.auth_data if isinstance(session.auth_data, str) else None,
            "text": envelope.content.decode(),
        }
        with open(settings["taken"], "a") as file:
            file.write(json.dumps(taken) + "\n")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, given):
    user, password = given.login.decode(), given.password.decode()
    right = user == settings["user"] and password == open(settings["password"]).read()
    return AuthResult(success=right, handled=False, auth_data=user)


async def serve():
    context = None
    if settings["certificate"] is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["certificate"], settings["key"])
    login = settings["user"] is not None

    def session():
        # A session that began with TLS cannot go over to it.
        starttls = context if settings["kind"] == "starttls" else None
        return SMTP(
            Handler(),
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=authenticate if login else None,
            auth_required=login,
            auth_require_tls=settings["kind"] == "starttls",
        )

    loop = asyncio.get_running_loop()
    direct = context if settings["kind"] == "tls" else None
    server = await loop.create_server(session, "127.0.0.1", settings["port"], ssl=direct)
    await server.serve_forever()


asyncio.run(serve())
