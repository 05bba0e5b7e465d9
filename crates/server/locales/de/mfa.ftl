# Der zweite Faktor und wie man einen einrichtet.
