"""The market streams of the Binance Spot surface: names, messages, subscriptions, routes.

May import: everything below.
"""
