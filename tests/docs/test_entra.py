"""The handbook pages on API tokens and Entra ID name the codes, scopes and settings the product has, all of them."""

import inspect
import re

from django.conf import settings

from jobqueue import api_tokens
from refresher.entra import aadsts, bearer, errors, keys
from tests.docs.blocks import text_of

ENTRA, TOKENS = text_of("docs/entra.md"), text_of("docs/api-tokens.md")


def test_every_refusal_of_a_token_is_listed_and_no_other():
    in_code = set(re.findall(r'"(entra_[a-z_]+)"', inspect.getsource(bearer) + inspect.getsource(keys))) | {
        errors.KeysUnavailable.code
    }
    assert set(re.findall(r"`(entra_[a-z_]+)`", ENTRA)) == in_code


def test_the_codes_of_entra_id_are_those_that_are_explained():
    named = {int(number) for number in re.findall(r"AADSTS(\d+)", ENTRA)}
    assert named
    assert named <= set(aadsts.EXPLANATIONS)


def test_every_scope_is_described_and_no_other():
    assert set(re.findall(r"^\| `([a-z]+)` \|", TOKENS, re.M)) == set(api_tokens.scopes())


def test_the_settings_named_exist():
    for page in (ENTRA, TOKENS):
        for name in re.findall(r"`(ENTRA_[A-Z_]+|API_[A-Z_]+)`", page):
            assert name.removeprefix("ENTRA_") in settings.ENTRA or hasattr(settings, name)
