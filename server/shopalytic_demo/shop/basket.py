"""The shop's arithmetic: lines, discounts, shipping, and what a return gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from shopalytic_demo.shop.catalogue import Product

CENT = Decimal("0.01")
FREE_SHIPPING_FROM = Decimal(60)
SHIPPING = Decimal("4.90")
TAX_RATE = Decimal("0.19")
DISCOUNT_CODE = "WELCOME10"
DISCOUNTS = {DISCOUNT_CODE: Decimal("0.10"), "KILN15": Decimal("0.15"), "TEATIME5": Decimal("0.05")}


@dataclass(frozen=True, slots=True)
class Line:
    """So many pieces of one product, at the price of their day."""

    product: Product
    qty: int

    @property
    def amount(self) -> Decimal:
        """What the line costs."""
        return self.product.price * self.qty


@dataclass(frozen=True, slots=True)
class Amounts:
    """What an order costs. The tax is contained in the total."""

    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal


def cents(amount: Decimal) -> Decimal:
    """Rounded to the cent, halves up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def discount_on(amount: Decimal, code: str) -> Decimal:
    """What a code takes off; one that we do not know takes nothing."""
    return cents(amount * DISCOUNTS.get(code, Decimal(0)))


def amounts_of(lines: Sequence[Line], code: str = "") -> Amounts:
    """What these lines cost together."""
    subtotal = cents(sum((line.amount for line in lines), Decimal(0)))
    discount = discount_on(subtotal, code)
    shipping = Decimal("0.00") if subtotal - discount >= FREE_SHIPPING_FROM else SHIPPING
    total = subtotal - discount + shipping
    return Amounts(subtotal, discount, shipping, cents(total * TAX_RATE / (1 + TAX_RATE)), total)
