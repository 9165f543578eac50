"""Runs inside phonenumbers: what it says of each number that it is given.

python phone_numbers.py NUMBERS, a JSON list of numbers with a + before them.
"""

import json
import sys

import phonenumbers


def describe(text: str) -> dict:
    """Tell what is known of a number."""
    number = phonenumbers.parse(text)
    return {
        "valid": phonenumbers.is_valid_number(number),
        "possible": phonenumbers.is_possible_number(number),
        "region": phonenumbers.region_code_for_number(number),
        "digits": phonenumbers.format_number(
            number, phonenumbers.PhoneNumberFormat.E164
        ).lstrip("+"),
    }


if __name__ == "__main__":
    json.dump({text: describe(text) for text in json.loads(sys.argv[1])}, sys.stdout)
