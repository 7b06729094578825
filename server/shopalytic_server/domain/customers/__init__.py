"""Who is who: identities, emails, and signatures of identities."""
