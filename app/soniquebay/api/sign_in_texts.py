"""What the pages for the claim and the sign-in say, in the languages of the page."""

from typing import NamedTuple


class Texts(NamedTuple):
    """Plain texts, but for `where_code`, which is HTML."""

    welcome: str
    no_owner: str
    where_code: str
    choose: str
    claim_fields: tuple[str, str, str, str]
    """Code, name, password, and the password again."""
    mine: str
    sign_in: str
    sign_in_fields: tuple[str, str]
    """Name and password."""


_COMMAND = "<code>sudo soniquebay claim-code</code>"
_TEXTS = {
    "en": Texts(
        welcome="Welcome",
        no_owner="This appliance has no owner yet.",
        where_code=f"Its screen shows a code, and {_COMMAND} prints it there.",
        choose="Choose your name and a password: it is yours then.",
        claim_fields=("Code", "Your name", "A password", "The password again"),
        mine="This is mine",
        sign_in="Sign in",
        sign_in_fields=("Name", "Password"),
    ),
    "fr": Texts(
        welcome="Bienvenue",
        no_owner="Cet appareil n’a pas encore de propriétaire.",
        where_code=f"Son écran montre un code, et {_COMMAND} l’y affiche.",
        choose="Choisissez votre nom et un mot de passe : il sera alors à vous.",
        claim_fields=("Code", "Votre nom", "Un mot de passe", "Encore une fois le mot de passe"),
        mine="Il est à moi",
        sign_in="Se connecter",
        sign_in_fields=("Nom", "Mot de passe"),
    ),
    "de": Texts(
        welcome="Willkommen",
        no_owner="Dieses Gerät hat noch niemanden, dem es gehört.",
        where_code=f"Sein Bildschirm zeigt einen Code, und {_COMMAND} gibt ihn dort aus.",
        choose="Wähle deinen Namen und ein Passwort: dann gehört es dir.",
        claim_fields=("Code", "Dein Name", "Ein Passwort", "Noch einmal das Passwort"),
        mine="Es gehört mir",
        sign_in="Anmelden",
        sign_in_fields=("Name", "Passwort"),
    ),
}


def texts_for(accepted: str) -> tuple[str, Texts]:
    """Return a language and its texts, by an Accept-Language header, in which browsers name the best one first."""
    wanted = (part.strip()[:2].lower() for part in accepted.split(","))
    language = next((tag for tag in wanted if tag in _TEXTS), "en")
    return language, _TEXTS[language]
