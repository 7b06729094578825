"""Names for groups of customers by recency, frequency and money, each in fifths from 1 to 5."""


def group_of(recency: int, frequency: int, money: int) -> str:
    """What shops call customers like these; the dashboard has the same names."""
    worth = max(frequency, money)
    if recency >= 4 and worth >= 4:
        return "best customers"
    if recency >= 4:
        return "new customers" if frequency <= 1 else "promising"
    if recency == 3:
        return "loyal" if worth >= 4 else "needs attention"
    return "at risk" if worth >= 4 else "lost"
