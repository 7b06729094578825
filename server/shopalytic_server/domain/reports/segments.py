"""Names for customers by recency, frequency and money."""

BEST = "best"
LOYAL = "loyal"
NEW = "new"
PROMISING = "promising"
NEEDS_ATTENTION = "needs attention"
AT_RISK = "at risk"
LOST = "lost"

SEGMENTS = (BEST, LOYAL, NEW, PROMISING, NEEDS_ATTENTION, AT_RISK, LOST)


def segment_of(recency: int, frequency: int, money: int, orders: int) -> str:
    """The segment of a customer who ordered, by the fifths (1 to 5) and the number of orders.

    The first that fits: GetSegmentReportResponse tells the same to callers.
    """
    if min(recency, frequency, money) >= 4:
        return BEST
    if recency >= 3 and frequency >= 4:
        return LOYAL
    if recency >= 4:
        return NEW if orders == 1 else PROMISING
    if recency == 3:
        return NEEDS_ATTENTION
    return AT_RISK if frequency >= 3 else LOST
