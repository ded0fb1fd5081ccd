update delivery_installation set name = delivery_new_name() returning name
