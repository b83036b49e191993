"""A connector for the made-up loyalty system Pinecone Club, as an example of a plugin."""

from engine_loyalty.connector import LoyaltyConnector

__all__ = ["LoyaltyConnector"]
