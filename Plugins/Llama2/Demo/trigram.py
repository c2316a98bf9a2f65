"""Interpolated Kneser-Ney trigram models, over bytes or over tokens: what the demo model has to beat.

One discount per order, from the counts of the training text (Ney, Essen and Kneser 1994: n1 / (n1 + 2 n2)); lower
orders count in how many contexts a symbol was seen; below the unigram lies the uniform distribution. Standard
library only.
"""

import collections
import math

START = -1


class Trigram:
    def __init__(self, sequences: list[list[int]], symbols: int):
        """`sequences` of symbols 0 ..< `symbols`, each with its end symbol already in it."""
        self.symbols = symbols
        seen = collections.Counter()
        for sequence in sequences:
            padded = [START, START, *sequence]
            seen.update(zip(padded, padded[1:], padded[2:]))
        # orders[n] maps a context of n symbols and the symbol after it to a count.
        self.orders = [collections.Counter(), collections.Counter(), seen]
        for first, second, third in self.orders[2]:
            self.orders[1][second, third] += 1
        for _, third in self.orders[1]:
            self.orders[0][third,] += 1
        self.discounts, self.totals, self.kinds = [], [], []
        for counts in self.orders:
            once, twice = (sum(1 for count in counts.values() if count == n) for n in (1, 2))
            self.discounts.append(once / (once + 2 * twice) if once and twice else 0.5)
            totals, kinds = collections.Counter(), collections.Counter()
            for gram, count in counts.items():
                totals[gram[:-1]] += count
                kinds[gram[:-1]] += 1
            self.totals.append(totals)
            self.kinds.append(kinds)

    def probability(self, context: tuple[int, ...], symbol: int) -> float:
        result = 1 / self.symbols
        for order in range(3):
            key = context[2 - order:]
            if total := self.totals[order].get(key):
                discount = self.discounts[order]
                count = self.orders[order].get((*key, symbol), 0)
                result = (max(count - discount, 0) + discount * self.kinds[order][key] * result) / total
        return result

    def bits(self, sequence: list[int]) -> float:
        padded = [START, START, *sequence]
        return -sum(math.log2(self.probability(tuple(padded[i - 2:i]), padded[i])) for i in range(2, len(padded)))
