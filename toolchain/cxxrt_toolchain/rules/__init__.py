"""The catalogue of rules, and the judges that apply it. Pure."""
