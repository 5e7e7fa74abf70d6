"""Files of real market data: klines, trades, quotes, books and funding rates as venues and vendors write them.

Lives here: opening and unpacking a file, its rows whatever it is packed in (`content`, `text_rows`, `columnar`), its
times and numbers (`times`, `numbers`), the formats that are known by their content (`formats`), what a scenario says of
a file (`spec`) and what that comes to (`layout`), the series of values in a run's span (`series`), and all rows of a
file of trades, quotes or bars as columns (`market_rows`).
May not live here: what an index or a funding rate makes of them (`venues`), the product's own tables (`datasets`).
polars is used here, in `columnar` alone, because Parquet and Feather are read with it; it is not loaded for text.
"""
