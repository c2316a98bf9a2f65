#!/bin/sh
# The same prompts as make_prompts.py, to the byte, on a machine without Python: gzip and awk only.
#
#     ./make_prompts.sh COUNT SEED [--held-out] > prompts.jsonl
set -eu
if [ $# -lt 2 ] || { [ $# -gt 2 ] && [ "$3" != --held-out ]; }; then
    echo "usage: $0 COUNT SEED [--held-out]" >&2
    exit 64
fi
for number in "$1" "$2"; do
    case $number in
    '' | *[!0-9]*)
        echo "$0: COUNT and SEED are whole numbers, not '$number'" >&2
        exit 64
        ;;
    esac
done
folder=$(dirname "$0")/corpus
gzip -dc "$folder/kjv.txt.gz" | awk -F '\t' -v wanted="$1" -v seed="$2" -v heldout="${3:+$folder/held-out.txt}" '
    # Park and Miller: the products stay below 2^53, so double arithmetic is exact.
    function below(bound) {
        state = state * 48271 % 2147483647
        return state % bound
    }
    BEGIN {
        n = made = 0
        state = seed % 2147483646 + 1
        while (heldout != "" && (getline line < heldout) > 0) chosen[line] = 1
    }
    {
        chapter = $1
        sub(/:[0-9]*$/, "", chapter)
        if (heldout != "" && !(chapter in chosen)) next
        verse[n] = $2
        place[n++] = chapter
    }
    END {
        for (i = 0; i < n; i++) order[i] = i
        for (i = n - 1; i > 0; i--) {
            j = below(i + 1)
            k = order[i]; order[i] = order[j]; order[j] = k
        }
        for (i = 0; i < n && made < wanted; i++) {
            k = order[i]
            # A line feed stands as \n here, as JSON wants it; the corpus has nothing else to escape.
            document = verse[k] (place[k + 1] == place[k] ? " \\n" verse[k + 1] : "")
            words = split(document, word, " ")
            longest = words - 5 < 40 ? words - 5 : 40
            if (longest < 8) continue
            shown = 8 + below(longest - 8 + 1)
            text = word[1]
            rest = ""
            for (w = 2; w <= words; w++) {
                part = (word[w] ~ /^\\n/ ? "" : " ") word[w]
                if (w <= shown) text = text part; else rest = rest part
            }
            if (text in seen) continue
            seen[text] = 1
            made++
            printf "{\"text\": \"%s\", \"reference\": \"%s\"}\n", text, rest
        }
        if (made < wanted) {
            printf "make_prompts: %d prompts asked, but the corpus yields only %d with seed %s; ask for fewer\n", \
                wanted, made, seed > "/dev/stderr"
            exit 1
        }
    }'
