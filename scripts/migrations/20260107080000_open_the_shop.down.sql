delete from order_items;
delete from orders;
delete from customers;
delete from products;
