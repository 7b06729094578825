"""The pictures of the products, drawn in SVG."""

from typing import NamedTuple

from shopalytic_demo.pages.markup import Markup, fill
from shopalytic_demo.shop.catalogue import Product


class _Paint(NamedTuple):
    main: str
    dark: str
    light: str


_PAINTS = {
    "sand": _Paint("#d9b98c", "#a98453", "#f4e3c6"),
    "sea": _Paint("#4c8fa3", "#2c6273", "#a9d3dd"),
    "clay": _Paint("#c4694a", "#8f4329", "#efb79f"),
    "night": _Paint("#46527a", "#2b3352", "#a7b3d9"),
    "honey": _Paint("#dfa43a", "#a87217", "#f8dd9b"),
    "leaf": _Paint("#6b9a5b", "#456b38", "#c6dfb8"),
}

_SHAPES = {
    "mug": """
        <path d="M76 52h9a13 13 0 0 1 0 27h-9" fill="none" stroke="{main}" stroke-width="7"/>
        <path d="M30 40h48v42a11 11 0 0 1-11 11H41a11 11 0 0 1-11-11z" fill="{main}"/>
        <ellipse cx="54" cy="40" rx="24" ry="6" fill="{dark}"/>
        <path d="M38 54v26" stroke="{light}" stroke-width="4" stroke-linecap="round"/>""",
    "cup": """
        <ellipse cx="58" cy="92" rx="40" ry="8" fill="{dark}"/>
        <ellipse cx="58" cy="89" rx="40" ry="7" fill="{light}"/>
        <path d="M78 60h7a9 9 0 0 1 0 18h-9" fill="none" stroke="{main}" stroke-width="6"/>
        <path d="M38 54h42c0 24-8 34-21 34S38 78 38 54z" fill="{main}"/>
        <ellipse cx="59" cy="54" rx="21" ry="5" fill="{dark}"/>""",
    "teapot": """
        <path d="M30 62c-18-4-20 30 4 28" fill="none" stroke="{dark}" stroke-width="6"/>
        <path d="M82 62c12-2 12-15 22-18l5 6c-9 5-8 22-24 29z" fill="{dark}"/>
        <ellipse cx="58" cy="73" rx="33" ry="26" fill="{main}"/>
        <ellipse cx="58" cy="49" rx="17" ry="5" fill="{dark}"/>
        <circle cx="58" cy="42" r="5" fill="{main}"/>
        <path d="M36 70c2-9 8-13 14-14"
         fill="none" stroke="{light}" stroke-width="4" stroke-linecap="round"/>""",
    "bowl": """
        <path d="M46 90h28l3 8H43z" fill="{dark}"/>
        <path d="M20 54h80c0 26-17 40-40 40S20 80 20 54z" fill="{main}"/>
        <ellipse cx="60" cy="54" rx="40" ry="9" fill="{dark}"/>
        <ellipse cx="60" cy="56" rx="33" ry="6" fill="{light}"/>""",
    "plate": """
        <circle cx="60" cy="62" r="42" fill="{main}"/>
        <circle cx="60" cy="62" r="29" fill="{dark}"/>
        <path d="M70 46a18 18 0 1 0 5 28a15 15 0 0 1-5-28z" fill="{light}"/>
        <g fill="{light}"><circle cx="47" cy="50" r="1.6"/><circle cx="80" cy="66" r="1.6"/></g>""",
    "vase": """
        <path d="M62 44C60 26 70 18 76 8" fill="none" stroke="#456b38" stroke-width="3"/>
        <path d="M66 27c8 0 12-4 14-10-8-1-13 3-14 10zM70 16c-7-2-9-7-8-12 6 1 9 6 8 12z" fill="#6b9a5b"/>
        <path d="M50 40h20c-3 12 14 18 14 38 0 14-9 24-24 24s-24-10-24-24c0-20 17-26 14-38z" fill="{main}"/>
        <ellipse cx="60" cy="40" rx="10" ry="3" fill="{dark}"/>
        <path d="M38 82c14 6 30 6 44 0" fill="none" stroke="{light}" stroke-width="4"/>""",
    "plant": """
        <g fill="#6b9a5b"><path d="M58 62C36 56 30 40 34 24c16 6 24 20 24 38z"/>
        <path d="M62 62c-2-22 8-36 26-42 4 18-6 36-26 42z"/></g>
        <path d="M60 62C50 44 54 26 60 14c7 12 10 30 0 48z" fill="#456b38"/>
        <path d="M36 66h48l-6 36H42z" fill="{main}"/>
        <rect x="32" y="60" width="56" height="11" rx="3" fill="{dark}"/>""",
    "jug": """
        <path d="M78 52c20-4 20 30 2 28" fill="none" stroke="{main}" stroke-width="7"/>
        <path d="M34 32l46 4c-4 14 4 20 4 40 0 14-10 22-25 22S34 90 34 76c0-18 10-26 8-34z" fill="{main}"/>
        <path d="M34 32l46 4c-6 6-30 7-38 4z" fill="{dark}"/>
        <path d="M44 66c-2 8-2 12 2 18"
         fill="none" stroke="{light}" stroke-width="4" stroke-linecap="round"/>""",
    "candle": """
        <ellipse cx="60" cy="98" rx="30" ry="6" fill="{dark}"/>
        <path d="M60 14c8 10 9 18 0 24-9-6-8-14 0-24z" fill="#f2b134"/>
        <path d="M60 24c4 5 4 9 0 13-4-4-4-8 0-13z" fill="#fff3c4"/>
        <path d="M60 36v12" stroke="#3a3126" stroke-width="3"/>
        <rect x="46" y="46" width="28" height="52" rx="4" fill="{main}"/>
        <path d="M46 52c4-5 8 6 14 0s10 5 14 0v-2a4 4 0 0 0-4-4H50a4 4 0 0 0-4 4z" fill="{light}"/>""",
    "tin": """
        <rect x="34" y="34" width="52" height="64" rx="5" fill="{main}"/>
        <rect x="31" y="24" width="58" height="16" rx="5" fill="{dark}"/>
        <rect x="34" y="52" width="52" height="30" fill="{light}"/>
        <path d="M48 74c0-12 8-17 24-17 0 13-8 19-20 17l-6 5"
         fill="{main}" stroke="{dark}" stroke-width="2"/>""",
    "spoon": """
        <path d="M56 60L92 100" stroke="{main}" stroke-width="8" stroke-linecap="round"/>
        <ellipse cx="43" cy="42" rx="17" ry="25" transform="rotate(-38 43 42)" fill="{main}"/>
        <ellipse cx="42" cy="41" rx="10" ry="17" transform="rotate(-38 42 41)" fill="{dark}"/>
        <path d="M70 77l10 11" stroke="{light}" stroke-width="2" stroke-linecap="round"/>""",
}


def drawing(product: Product) -> Markup:
    """The product's picture; its name is said in the text beside it."""
    inside = fill(_SHAPES[product.shape], **_PAINTS[product.colour]._asdict())
    return fill(
        '<svg viewBox="0 0 120 120" aria-hidden="true" focusable="false">{inside}</svg>', inside=inside
    )
