# Die erste Person, die verwaltet, und Links für einmal.
