"""Containers behind endpoints: started, watched, chosen."""
