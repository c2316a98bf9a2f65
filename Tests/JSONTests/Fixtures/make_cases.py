"""Writes cases.tsv: JSON texts and what Python's json module makes of them, under the stated strictness.

One line per text: the text in hexadecimal, a tab, and in hexadecimal Python's compact dump of the value, or '-' where the
text must be refused. Beyond json.loads the reader also refuses NaN and Infinity, numbers beyond binary64, two members of
one name, lone surrogates and U+0000 in a key; integers beyond 64 bits become numbers.

    python3 make_cases.py > cases.tsv
"""

import json
import math
import random

TOKENS = ["{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "-2.5", "true", "null", " "]
BY_HAND = [
    b"", b" ", b"null", b"true", b"false", b"nul", b"True", b"NULL", b"nulll", b"null null", b"0", b"-0", b"-0.0", b"01",
    b"-01", b"+1", b"-", b"1.", b".5", b"1.5", b"1e5", b"1E+5", b"1e-5", b"1e", b"1e+", b"1.e5", b"1-2", b"1.5.2", b"0x10",
    b"1e400", b"-1e400", b"1e-400", b"5e-324", b"1.7976931348623157e308", b"0.1", b"123456789.123456789", b"1e22", b"1e16",
    b"123456789012345680.0", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808",
    b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616", b"18446744073709551614",
    b"1000000000000000019884624838656", b"[1,18446744073709551616,-9223372036854775808,18446744073709551615,2]",
    b'{"a":18446744073709551615,"b":[-99999999999999999999,9223372036854775807]}', b"9" * 400, b"NaN", b"Infinity",
    b"-Infinity", b"[NaN]", b"inf", b"nan", b"'a'", b"{'a':1}", b"{a:1}", b'{"a":1,}', b"[1,]", b"[,1]", b"[,]", b"{,}",
    b"[1 2]", b'{"a" 1}', b'{"a":}', b'{"a"}', b'{:1}', b'{1:1}', b'{null:1}', b'{"a":1 "b":2}', b'{"a":1,"a":2}',
    b'{"a":{"b":1},"b":{"b":1}}', b'{"a":1,"\\u0061":2}', b'{"x":[{"a":1},{"a":1,"a":1}]}', b'{"":1}', b'{"":1,"":2}',
    b"/* c */ 1", b"1 // c", b"[1] /* c */", b"#", b'"', b'"a', b'"\\', b'"\\"', b'"\\u', b'"\\u12', b'"\\u12G4"', b'"\\x41"',
    b'"\\u0041\\u00e9\\u20ac"', b'"\\ud83d\\ude00"', b'"\\ud83d"', b'"\\ude00"', b'"\\ud83d\\ud83d"', b'"\\ud83dx"',
    b'"\\ud83d\\n"', b'"\\u0000"', b'"a\\u0000b"', b'{"a\\u0000b":1}', b'{"a":"\\u0000"}', b'"\\b\\f\\n\\r\\t\\/\\\\\\""',
    b'"\x01"', b'"\t"', b'"\n"', b'"\x7f"', b'"\x00"', b"\x00", b"1\x00", b"[1]\x00", b"\x0b1", b"\x0c1", b"\xa01",
    b"\xef\xbb\xbf1", b"\xff", b'"\xff"', b'"\xc3\xa9"', b'"e\xcc\x81"', b'{"\xc3\xa9":1,"e\xcc\x81":2}', b'"\xc3"', b'"\xc0\x80"',
    b'"\xed\xa0\x80"', b'"\xf0\x9f\x98\x80"', b'"\xf5\x80\x80\x80"', b'"\xf4\x90\x80\x80"', b"\t\n\r 1 \t\n\r", b"[[[[[]]]]]",
    b"[" * 100 + b"]" * 100, b"{}", b"[]", b"[[],{}]", b"]", b"}", b"[", b"{", b"[}", b"{]", b"[1}", b'{"a":1]', b"1,2", b":", b",",
    b'{"a":[1,2.0,"3",null,true,{"b":false}],"z":{},"m":[]}',
]


class Refused(Exception):
    pass


def refuse(_):
    raise Refused


def integer(text):
    value = int(text)
    if -(2**63) <= value < 2**64:
        return value
    return number(text)


def number(text):
    value = float(text)
    if math.isinf(value):
        raise Refused
    return value


def members(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys) or any("\0" in key for key in keys):
        raise Refused
    return dict(pairs)


def expected(text):
    try:
        decoded = text.decode("utf-8")
        value = json.loads(
            decoded, parse_constant=refuse, parse_int=integer, parse_float=number, object_pairs_hook=members
        )
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8").hex()
    except (Refused, ValueError, OverflowError):
        return "-"


def main():
    generator = random.Random(20251)
    texts = list(BY_HAND)
    for _ in range(700):
        texts.append("".join(generator.choice(TOKENS) for _ in range(generator.randint(2, 9))).encode())
    # Well-formed values with one token removed, doubled or exchanged: closer to what is accepted.
    for _ in range(1500):
        tokens = value_tokens(generator, 3)
        place = generator.randrange(len(tokens))
        change = generator.randrange(5)
        if change == 0:
            del tokens[place]
        elif change == 1:
            tokens.insert(place, generator.choice(TOKENS))
        elif change == 2:
            tokens[place] = generator.choice(TOKENS)
        if len(tokens) < 40:
            texts.append("".join(tokens).encode())
    for text in dict.fromkeys(texts):
        print(f"{text.hex()}\t{expected(text)}")


def value_tokens(generator, depth):
    kind = generator.randrange(6 if depth else 3)
    if kind < 3:
        return [generator.choice(['"a"', "1", "-2.5", "true", "null", '"\\n"', "1e3"])]
    tokens = []
    if kind < 5:
        for index in range(generator.randint(0, 3)):
            tokens += ([","] if index else []) + value_tokens(generator, depth - 1)
        return ["["] + tokens + ["]"]
    for index, key in enumerate(generator.sample(['"a"', '"b"', '"c"', '"d"'], generator.randint(0, 3))):
        tokens += ([","] if index else []) + [key, ":"] + value_tokens(generator, depth - 1)
    return ["{"] + tokens + ["}"]


main()
