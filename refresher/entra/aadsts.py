"""The codes Entra ID answers with (AADSTS…), each in a sentence with what to do next."""

import re
from dataclasses import dataclass

CODE = re.compile(r"AADSTS(\d{4,7})")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means, what to do, and whether trying again may help."""

    sentence: str
    next_step: str
    transient: bool = False

    def __str__(self) -> str:
        return f"{self.sentence} {self.next_step}"


WRONG_SECRET = Explanation(
    "The client secret is wrong.",
    "Often the secret's id was entered instead of its value. Create a new secret in Entra ID and enter its value.",
)
CERTIFICATE = Explanation(
    "The certificate was not accepted.",
    "Upload exactly this certificate to the application in Entra ID, and check that it has not expired.",
)
TRANSIENT = Explanation("The login server is busy.", "It is tried again by itself.", transient=True)

EXPLANATIONS: dict[int, Explanation] = {
    7000215: WRONG_SECRET,
    7000222: Explanation(
        "The client secret has expired.", "Create a new one in Entra ID and enter it, or rotate it here."
    ),
    50012: CERTIFICATE,
    50013: CERTIFICATE,
    700027: CERTIFICATE,
    7000218: Explanation(
        "Neither a secret nor a certificate was sent.", "Enter the credential of the application."
    ),
    700016: Explanation(
        "The application is not known in this directory.",
        "Check the client id and the tenant id; the application must be registered in that directory.",
    ),
    7000112: Explanation(
        "The application is disabled.", "Enable it in Entra ID under Enterprise applications, Properties."
    ),
    90002: Explanation("The directory was not found.", "Check the tenant id."),
    900023: Explanation("The tenant id has not the form of one.", "Enter the id of the directory, a GUID."),
    500011: Explanation(
        "Jobwarden's own application is not known in this directory.",
        "Check its client id and application ID URI on the page of the Entra tenant.",
    ),
    70011: Explanation(
        "The scope is not valid.", "Check the application ID URI on the page of the Entra tenant."
    ),
    1002012: Explanation(
        "The scope is not valid.", "Check the application ID URI on the page of the Entra tenant."
    ),
    65001: Explanation(
        "Nobody has granted consent.",
        "Choose Grant Consent and sign in as an administrator of the directory.",
    ),
    501051: Explanation(
        "The application has not been assigned to Jobwarden's application, which asks for an assignment.",
        "Grant consent, or assign the application role JobQueue.Refresh in Entra ID.",
    ),
    53003: Explanation(
        "A Conditional Access policy forbids the sign-in.",
        "Let an administrator of Entra ID look at the sign-in log of the application.",
    ),
    50033: TRANSIENT,
    50196: TRANSIENT,
    90024: TRANSIENT,
    90033: TRANSIENT,
}
BY_ERROR: dict[str, Explanation] = {
    "invalid_client": Explanation(
        "The credential was not accepted.", "Check it, or create a new one in Entra ID and enter it."
    ),
    "unauthorized_client": Explanation(
        "The application may not sign in this way.", "Check its registration in Entra ID."
    ),
    "invalid_scope": EXPLANATIONS[70011],
    "invalid_resource": EXPLANATIONS[500011],
    "temporarily_unavailable": TRANSIENT,
    "access_denied": Explanation(
        "The sign-in was cancelled or refused.", "Try again as an administrator of the directory."
    ),
}


def number_in(description: str, codes: object = None) -> int:
    """The number of the first AADSTS code in an answer; 0 if there is none."""
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    found = CODE.search(description)
    return int(found[1]) if found else 0


def explain(error: str, *, number: int, description: str = "") -> Explanation:
    """The explanation of a code, else of the OAuth error, else the server's own first sentence."""
    found = EXPLANATIONS.get(number) or BY_ERROR.get(error)
    if found is not None:
        return found
    said = CODE.sub("", description).lstrip(": ").splitlines()[0][:300] if description.strip() else ""
    return Explanation(
        said.rstrip(".") + "." if said else f"The login server answered “{error or 'without a reason'}”.",
        "Look the code up in the documentation of Entra ID.",
    )
