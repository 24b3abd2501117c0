"""Small servers that Tapewire is compared with."""
