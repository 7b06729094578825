"""What the demo shop sells."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Product:
    """One product; `shape` and `colour` are how it is drawn."""

    sku: str
    name: str
    price: Decimal
    cost: Decimal
    categories: tuple[str, ...]
    text: str
    shape: str
    colour: str


def _product(
    sku: str, name: str, price: str, cost: str, kind: str, drawing: tuple[str, str], text: str
) -> Product:
    shape, colour = drawing
    group = "Pantry" if kind in ("Tea", "Light") else "Pottery"
    return Product(sku, name, Decimal(price), Decimal(cost), (group, kind), text, shape, colour)


PRODUCTS: dict[str, Product] = {
    product.sku: product
    for product in (
        _product(
            "MUG-SAND",
            "Sand mug",
            "18.00",
            "6.20",
            "Cups",
            ("mug", "sand"),
            "Holds a third of a litre and keeps it warm through one long phone call.",
        ),
        _product(
            "MUG-SEA",
            "Sea mug",
            "18.00",
            "6.40",
            "Cups",
            ("mug", "sea"),
            "The same mug in the colour of the harbour on a good day.",
        ),
        _product(
            "CUP-ESPRESSO",
            "Espresso cup",
            "12.50",
            "4.10",
            "Cups",
            ("cup", "clay"),
            "Small, thick and on its own saucer. Sold by the piece, bought by the six.",
        ),
        _product(
            "POT-ROUND",
            "Round teapot",
            "64.00",
            "23.50",
            "Tea",
            ("teapot", "sea"),
            "Pours without a drop on the table. We tried for two years.",
        ),
        _product(
            "BOWL-OAT",
            "Oat bowl",
            "24.00",
            "8.00",
            "Tableware",
            ("bowl", "sand"),
            "For porridge, soup and whatever was left of yesterday.",
        ),
        _product(
            "PLATE-MOON",
            "Moon plate",
            "28.00",
            "9.30",
            "Tableware",
            ("plate", "night"),
            "Twenty-six centimetres, with a moon that shows when you have eaten up.",
        ),
        _product(
            "VASE-TALL",
            "Tall vase",
            "49.00",
            "17.00",
            "Home",
            ("vase", "clay"),
            "Heavy at the foot, so that one branch is enough and two are safe.",
        ),
        _product(
            "PLANT-POT",
            "Plant pot",
            "32.00",
            "11.20",
            "Home",
            ("plant", "clay"),
            "With a saucer inside. The plant is drawn; bring your own.",
        ),
        _product(
            "JUG-MILK",
            "Milk jug",
            "27.00",
            "9.00",
            "Tea",
            ("jug", "night"),
            "Half a litre of milk, water or wild flowers.",
        ),
        _product(
            "CANDLE-WAX",
            "Beeswax candle",
            "9.90",
            "3.30",
            "Light",
            ("candle", "honey"),
            "Burns for eleven hours and smells of the summer it came from.",
        ),
        _product(
            "TEA-GREEN",
            "Tin of green tea",
            "14.40",
            "5.75",
            "Tea",
            ("tin", "leaf"),
            "A hundred grams of spring leaves. The tin closes with a sigh.",
        ),
        _product(
            "SPOON-OLIVE",
            "Olive wood spoon",
            "7.50",
            "2.10",
            "Tableware",
            ("spoon", "honey"),
            "Carved from a branch that had to go anyway.",
        ),
    )
}
