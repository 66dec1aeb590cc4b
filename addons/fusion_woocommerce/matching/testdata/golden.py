#!/usr/bin/python3
"""Writes ratio.json: scores of real difflib for pairs of product names and odd texts."""
import difflib, json, random
random.seed(20261124)
words = ("rollator walker chaise érable tournée bath board transfer bench glove nitrile medium large "
         "Noir/Black pansement silicone 10x10 cm coussin gel wheelchair cushion 18\" kit hip post-surgery "
         "bed rail – handle & bar 漢字 Łódź 🦽 lift chair bariatric 500 lb commode").split(" ")
pairs = [("", ""), ("", "a"), ("a", ""), ("abcd", "bcde"), ("qabxcd", "abycdf"), ("private", "pirate"),
         ("tide", "diet"), ("diet", "tide"), ("aaaa", "aa"), ("abxcd", "abcd"), ("🦽🦽x", "x🦽🦽"),
         ("x" * 250, "x" * 250), ("ab" * 150, "ba" * 150), ("a" + "b" * 199, "b" * 199 + "a"),
         ("a b" * 80, "ab " * 80), ("x" * 199, "x" * 199 + "y"), ("y" + "x" * 199, "x" * 199)]
def name(n):
    return " ".join(random.choice(words) for _ in range(n))
def bend(s):
    s = list(s)
    for _ in range(random.randint(0, 6)):
        if not s: break
        i = random.randrange(len(s)); k = random.randrange(4)
        if k == 0: del s[i]
        elif k == 1: s.insert(i, random.choice("abcé -&"))
        elif k == 2: s[i] = random.choice("xyz0")
        else:
            j = random.randrange(len(s)); s[i], s[j] = s[j], s[i]
    return "".join(s)
for _ in range(700):
    a = name(random.randint(1, 8)); pairs.append((a, bend(a) if random.random() < .6 else name(random.randint(1, 8))))
for _ in range(150):
    a = "".join(random.choice("abc") for _ in range(random.randint(0, 30)))
    pairs.append((a, "".join(random.choice("abc") for _ in range(random.randint(0, 30)))))
for _ in range(150):  # around the 200 characters from which frequent ones are noise
    a = name(random.randint(25, 60)); pairs.append((a, bend(a) if random.random() < .7 else name(random.randint(25, 60))))
for _ in range(60):
    a = name(40); cut = random.randint(190, 210); pairs.append((bend(a), a[:cut]))
with open("ratio.json", "w", encoding="utf-8") as f:
    f.write("[\n" + ",\n".join(json.dumps([a, b, difflib.SequenceMatcher(None, a, b).ratio()], ensure_ascii=False) for a, b in pairs) + "\n]\n")
