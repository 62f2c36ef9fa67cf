[ "$said" ] || said=$(pip_here check)
said_facts
