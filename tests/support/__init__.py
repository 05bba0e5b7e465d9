"""What the stories of the journey need: a server, people with homes of their own, a browser without script."""
