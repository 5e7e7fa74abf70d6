"""A world of four minutes over midnight, with every order, every quote and ten levels of the book recorded."""

WORLD = {
    "schema": "marketsim/1",
    "name": "exported",
    "clock": {"start": "2024-01-01T23:58:00Z", "duration": "4min"},
    "underlyings": [{"id": "BTC", "index": {"kind": "gbm", "price": "30000 USDT", "volatility": "90%/yr"}}],
    "markets": [{"id": "BTC-PERP", "underlying": "BTC"}],
    "traders": [
        {"id": "noise", "kind": "noise", "market": "BTC-PERP", "count": 200, "rate": "60/h", "capital": "50 kUSDT"},
        {"id": "makers", "kind": "market_maker", "market": "BTC-PERP", "count": 3, "capital": "1 MUSDT"},
    ],
    "events": [{"at": "90s", "kind": "order", "market": "BTC-PERP", "size": "2 BTC", "type": "market"}],
    "record": {"orders": "all", "quotes": "change", "book": {"levels": 10, "every": "1s"}},
}
