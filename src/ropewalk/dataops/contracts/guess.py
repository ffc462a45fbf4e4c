"""Whether a column holds personal data, guessed from its name and from how its values look."""

from __future__ import annotations

from collections.abc import Mapping

from ropewalk.dataops.contracts.seen import SeenColumn
from ropewalk.dataops.definitions import PIIClass, split_words

# Words of a column's name, all of which are there, and the class of what such a column holds.
NAMES: Mapping[str, PIIClass] = {
    "email": "contact",
    "e mail": "contact",
    "mail": "contact",
    "phone": "contact",
    "mobile": "contact",
    "fax": "contact",
    "street": "contact",
    "address": "contact",
    "first name": "identifier",
    "firstname": "identifier",
    "last name": "identifier",
    "lastname": "identifier",
    "surname": "identifier",
    "full name": "identifier",
    "fullname": "identifier",
    "customer name": "identifier",
    "person name": "identifier",
    "user name": "identifier",
    "username": "identifier",
    "login": "identifier",
    "ssn": "identifier",
    "passport": "identifier",
    "iban": "identifier",
    "tax id": "identifier",
    "ip": "identifier",
    "birth": "quasi",
    "birthday": "quasi",
    "birthdate": "quasi",
    "dob": "quasi",
    "zip": "quasi",
    "postcode": "quasi",
    "postal code": "quasi",
    "gender": "quasi",
    "salary": "sensitive",
    "religion": "sensitive",
    "diagnosis": "sensitive",
    "ethnicity": "sensitive",
}
# How texts look that tell who somebody is or how to reach them.
LOOKS: Mapping[str, PIIClass] = {"email": "contact", "ipv4": "identifier"}


def guess_personal(column: SeenColumn) -> tuple[PIIClass, str] | None:
    """Return the class of personal data that `column` seems to hold, and what makes it seem so; None if nothing does."""
    named = guess_name(column.name)
    if named:
        return named, f"it is called {column.name}"
    for shape, class_ in LOOKS.items():
        if shape in column.shapes:
            return class_, f"its values look like {shape}"
    return None


def guess_name(name: str) -> PIIClass | None:
    """Return the class of personal data that a column of that name usually holds; None for most names."""
    words = set(split_words(name))
    return next((class_ for known, class_ in NAMES.items() if set(known.split()) <= words), None)
