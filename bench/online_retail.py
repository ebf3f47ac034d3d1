"""Writes a look-alike of the Online Retail II data set: a British gift shop's invoices of two years, line by line.

It has the columns, the proportions and the flaws of the original (Chen, D., 2019, UCI Machine Learning Repository,
https://doi.org/10.24432/C5CG6D), and none of its rows: cancellations with a `C` before the invoice and a negative quantity, a
quarter of lines without a customer, postage and bank charges among the products, prices of zero, blank descriptions.

    python3 bench/online_retail.py ROWS > online_retail.csv
"""

import random
import sys
from datetime import datetime, timedelta
from itertools import accumulate

FIRST, DAYS = datetime(2009, 12, 1), 739
COUNTRIES = [("United Kingdom", 919), ("EIRE", 17), ("Germany", 16), ("France", 13), ("Netherlands", 5), ("Spain", 4)]
COUNTRIES += [("Switzerland", 3), ("Belgium", 3), ("Portugal", 2), ("Australia", 2), ("Channel Islands", 2), ("Unspecified", 1)]
THINGS = "HEART LANTERN BAG CAKE STAND CLOCK MUG CANDLE FRAME BOX BUNTING TIN SIGN DOORMAT NAPKINS PARASOL".split()
KINDS = "WHITE HANGING|RED RETROSPOT|VINTAGE|REGENCY|SET OF 6|SMALL PINK|JUMBO|ZINC|WOODEN|PACK OF 72".split("|")
CHARGES = [("POST", "POSTAGE", 18.00), ("M", "Manual", 4.25), ("BANK CHARGES", "Bank Charges", 15.00), ("D", "Discount", 0.00)]


def main(rows):
    dice = random.Random(1)
    products = []
    for number in range(4600):
        code = f"{dice.randrange(10000, 90000)}{dice.choice(['', '', '', 'A', 'B'])}"
        name = f"{dice.choice(KINDS)} {dice.choice(THINGS)} {number}"
        products.append((code, name, round(dice.lognormvariate(0.8, 0.9), 2) + 0.05))
    weights = list(accumulate(1 / (rank + 40) for rank in range(len(products))))
    # A customer has a country and a taste for coming back; some come once.
    customers = max(1, min(5900, rows // 170))
    appetite = list(accumulate(dice.paretovariate(1.1) for _ in range(customers)))
    countries = dice.choices(*zip(*COUNTRIES), k=customers)
    out, left, invoice = sys.stdout.write, rows, 489434
    out("Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n")
    invoices = max(1, rows // 20)
    for number in range(10 * invoices):
        if left == 0:
            break
        # Sales grow from August to November; the shop rests on Saturdays.
        at = FIRST + timedelta(days=DAYS * min(number, invoices - 1) / invoices)
        if at.month in (9, 10, 11) and dice.random() < 0.3 or at.weekday() == 5:
            at += timedelta(days=1)
        at = at.replace(hour=dice.randrange(8, 19), minute=dice.randrange(60), second=0)
        customer = dice.choices(range(customers), cum_weights=appetite)[0]
        is_guest, is_cancelled = dice.random() < 0.23, dice.random() < 0.018
        invoice += 1
        for _ in range(min(left, 1 + int(dice.expovariate(1 / 19)))):
            left -= 1
            code, name, price = dice.choices(products, cum_weights=weights)[0] if dice.random() < 0.985 else dice.choice(CHARGES)
            quantity = max(1, int(dice.lognormvariate(1.4, 1.1)))
            flaw = dice.random()
            name, price = ("", 0.0) if flaw < 0.004 else (name, 0.0) if flaw < 0.006 else (name, price)
            name = f'"{name}, ASSORTED"' if flaw > 0.97 else name
            sign, mark = (-1, "C") if is_cancelled else (1, "")
            who = "" if is_guest else str(12346 + customer)
            where = "United Kingdom" if is_guest else countries[customer]
            out(f"{mark}{invoice},{code},{name},{sign * quantity},{at:%Y-%m-%d %H:%M:%S},{price:.2f},{who},{where}\n")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
